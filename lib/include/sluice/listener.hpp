#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include <sluice/cancel.hpp>
#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/executor.hpp>
#include <sluice/metrics.hpp>
#include <sluice/result.hpp>
#include <sluice/socket.hpp>
#include <sluice/socket_address.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// How Listener::listen() makes its socket.
struct ListenOptions {
  int backlog = 4096;         // bounded by net.core.somaxconn
  bool reuse_port = false;    // SO_REUSEPORT: one listening socket for each shard, one port
  bool ipv6_only = false;     // without it, [::] also takes IPv4
  unsigned unix_mode = 0660;  // permissions of a unix socket's file
};

/// Accepts connections with one multishot operation (Linux 5.19): the kernel hands connections over
/// for as long as they come, and what nobody has taken yet waits here, owned. In one turn these can
/// be as many as the kernel's queue of the socket holds (as the completion queue does, for a socket
/// that is not TCP), and some more until the kernel has seen that it is to stop; a caller with less
/// room than that is served by plain accepts, one connection each, so that the others stay in the
/// kernel's queue.
///
/// When no descriptor is left (EMFILE, ENFILE), the kernel's memory is short, or the operation ends
/// for another passing reason, the listener backs off, from 10 ms doubling to 1 s, and arms again:
/// the waiting connections stay in the kernel's queue. Re-arming at once would spin.
///
/// With a table of direct descriptors the connections are accepted into it, and a full table is a
/// reason to back off like EMFILE. The kernel drops a connection that it has accepted and finds no
/// place for, however soon a multishot accept is asked to end; so these are plain accepts, each
/// with a place reserved for it (DirectFiles::reserve), and none is lost. As many are armed at a
/// time as an eighth of the table, at most 16.
///
/// One coroutine at a time accepts. Belongs to one shard.
class SLUICE_API Listener {
 public:
  /// Makes a socket, binds it and listens. Blocks; for start-up. A stale file at a unix socket's
  /// path is replaced if nothing listens on it.
  [[nodiscard]] static Result<UniqueFd> listen(const SocketAddress& address,
                                               const ListenOptions& options = {});

  /// `backed_off`, if given, is counted up whenever accepting is put off because descriptors or
  /// memory have run out; several listeners of a shard may share one. It must outlive the listener.
  Listener(Executor& executor, UniqueFd listening_socket, Counter* backed_off = nullptr);
  /// Accepts into `table`, which must outlive it and be of the executor's ring: the sockets have
  /// direct descriptors (Socket says what these cannot do). The listening socket is an ordinary
  /// one.
  Listener(Executor& executor, UniqueFd listening_socket, DirectFiles& table,
           Counter* backed_off = nullptr);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Aborts while the accept is armed, or somebody waits: close() first. An armed accept would hold
  /// the port for milliseconds after the process is gone.
  ~Listener();

  class AcceptAwaiter;
  /// The next connection. `room` is how many more the caller could take at this moment. ECANCELED
  /// when the caller's scope is cancelled or the listener closed; other errors mean that this
  /// socket will never accept again (EBADF, EINVAL, EOPNOTSUPP).
  [[nodiscard]] AcceptAwaiter accept(std::size_t room = kUnboundedRoom) noexcept;
  /// For a caller that takes whatever comes.
  static constexpr std::size_t kUnboundedRoom = std::numeric_limits<std::size_t>::max();

  /// One that is there already, without the ring and without waiting: for whoever has just been
  /// given one, since others may have come behind it, and each of them would cost accept() a turn
  /// of the loop. EAGAIN: accept() is the way, because nobody is there, an accept is armed, or the
  /// listening socket would block (listen() makes one that does not) or accepts into a table of
  /// direct descriptors. Other errors as of accept().
  [[nodiscard]] Result<Socket> try_accept() noexcept;

  /// Ends the armed accept, waits until the kernel has let go, and closes the socket: from then on
  /// connections are refused. What has been accepted already is still handed out by accept(),
  /// which then answers ECANCELED.
  [[nodiscard]] Task<void> close();

  /// Asks for another length of the kernel's queue, as listen(2) does, and reckons with it. One
  /// system call, and another to look. Errors as of listen(2).
  [[nodiscard]] Result<void> set_backlog(int backlog) noexcept;
  /// Whether who comes is accepted by the kernel already, or has been and waits here: the kernel's
  /// queue then does not tell whether somebody wants to be taken.
  [[nodiscard]] bool is_accepting() const noexcept;

  /// The listening socket, which stays its own; -1 once it is closed.
  [[nodiscard]] int fd() const noexcept;
  /// How many connections the kernel holds ready to be accepted (TCP_INFO); 0 for a unix socket,
  /// which does not tell. One system call.
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// Connections taken from the kernel.
  [[nodiscard]] const Counter& accepted() const noexcept;
  /// How often accepting was put off, by this listener and those that share its counter.
  [[nodiscard]] const Counter& backed_off() const noexcept;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// What Listener::accept() returns.
class [[nodiscard]] Listener::AcceptAwaiter final : private CancelLink {
 public:
  explicit AcceptAwaiter(State& state) noexcept : state_(state) {}
  /// Movable until it is awaited.
  AcceptAwaiter(AcceptAwaiter&& other) noexcept : state_(other.state_), scope_(other.scope_) {}
  AcceptAwaiter& operator=(AcceptAwaiter&&) = delete;
  ~AcceptAwaiter() = default;
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] AcceptAwaiter within(CancelScope& scope) && noexcept {
    scope_ = &scope;
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) {
    return start(handle.promise());
  }
  Result<Socket> await_resume() noexcept;

 private:
  friend class State;
  [[nodiscard]] bool start(detail::PromiseBase& promise);
  void on_cancel() noexcept override;

  State& state_;
  CancelScope* scope_ = nullptr;
  detail::PromiseBase* promise_ = nullptr;
  bool cancelled_ = false;
};

}  // namespace sluice
