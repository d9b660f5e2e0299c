#pragma once

#include <sluice/blocking_pool.hpp>
#include <sluice/task.hpp>

#include "files/directory_archive.hpp"
#include "serve/archive_slots.hpp"
#include "serve/directory_place.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

struct ArchiveContext {
  sluice::BlockingPool& blocking_pool;
  ArchiveSlots& slots;
};

/// Answers with a directory as an archive, made while it is sent; with 503 when as many are being
/// made as may be. For HEAD, `head_only`, nothing is read.
[[nodiscard]] sluice::Task<void> answer_archive(ArchiveContext context, DirectoryPlace place,
                                                files::ArchiveOptions options, bool head_only,
                                                Response& response);

}  // namespace sluiced::serve
