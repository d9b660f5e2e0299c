#pragma once

namespace sluiced::files {

/// Whether all changes to the file system that `fd` is on pass this kernel, and no other machine or
/// process has to be asked for its contents. Not so of NFS, SMB, FUSE and the like: somebody else
/// may write there, which inotify does not tell, and what is asked may never be answered. An
/// unknown kind is taken for one of those. Blocks on such a file system when it hangs.
[[nodiscard]] bool is_on_local_file_system(int fd) noexcept;

}  // namespace sluiced::files
