// Usage: bench_asio_* echo | await SECONDS | spawn SECONDS WIDTH | round-trip SECONDS DEPTH
//                     | wake-up SECONDS
//
// Asio, compiled once on its io_uring backend and once on epoll (see CMakeLists.txt), as its
// documentation shows it: awaitable, and one io_context for each thread.
#include <array>
#include <asio.hpp>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <thread>
#include <utility>  // Asio 1.22 uses std::exchange and leaves it to us to include it

#include "wake_up.hpp"

namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket client) {
  std::array<char, kBlockBytes> buffer;
  std::error_code error;
  while (true) {
    const std::size_t count = co_await client.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      co_return;
    }
    co_await asio::async_write(client, asio::buffer(buffer, count),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      co_return;
    }
  }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor) {
  while (true) {
    tcp::socket client = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), echo(std::move(client)), asio::detached);
  }
}

int serve_echo() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("%u\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(context, serve(acceptor), asio::detached);
  context.run();
  return 70;
}

asio::awaitable<std::uint64_t> ready_value(std::uint64_t value) { co_return value + 1; }

asio::awaitable<void> await_values(Meter& meter) {
  std::uint64_t value = 0;
  std::uint64_t awaited = 0;
  for (; meter_count(&meter); ++awaited) {
    value = co_await ready_value(value);
  }
  if (value != awaited) {
    give_up("a value was lost", EPROTO);
  }
}

int measure_awaits(const char* seconds) {
  asio::io_context context(1);
  Meter meter = meter_start(seconds, 1024);
  asio::co_spawn(context, await_values(meter), asio::detached);
  context.run();
  return meter_report(&meter);
}

asio::awaitable<void> child() { co_return; }

// There is no scope to join: the last child to end goes on.
struct Spawner {
  asio::io_context context{1};
  Meter meter;
  unsigned width;
  unsigned alive = 0;

  void spawn_all() {
    alive = width;
    for (unsigned index = 0; index < width; ++index) {
      asio::co_spawn(context, child(), [this](const std::exception_ptr&) { child_ended(); });
      meter_count(&meter);
    }
  }
  void child_ended() {
    if (--alive == 0 && !meter.done) {
      spawn_all();
    }
  }
};

int measure_spawns(const char* seconds, unsigned width) {
  Spawner spawner{.meter = meter_start(seconds, 1024), .width = width};
  asio::post(spawner.context, [&] { spawner.spawn_all(); });
  spawner.context.run();
  return meter_report(&spawner.meter);
}

// An io_context with a thread of its own.
class Loop {
 public:
  explicit Loop(int cpu)
      : thread_([this, cpu] {
          pin_this_thread(cpu);
          context_.run();
        }) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    guard_.reset();
    thread_.join();
  }
  asio::io_context& context() { return context_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  std::thread thread_;
};

asio::awaitable<void> do_round_trips(asio::io_context& there, Meter& meter) {
  while (meter_count(&meter)) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [&there](auto handler) {
          asio::post(there, [handler = std::move(handler)]() mutable {
            asio::post(std::move(handler));  // to the io_context of the coroutine
          });
        },
        asio::use_awaitable);
  }
}

int measure_round_trips(const char* seconds, unsigned depth) {
  Loop there(1);
  Loop here(0);
  Meter meter = meter_start(seconds, 64);
  std::atomic<unsigned> running{depth};
  for (unsigned index = 0; index < depth; ++index) {
    asio::co_spawn(here.context(), do_round_trips(there.context(), meter),
                   [&running](const std::exception_ptr&) {
                     --running;
                     running.notify_one();
                   });
  }
  for (unsigned left = running; left > 0; left = running) {
    running.wait(left);
  }
  return meter_report(&meter);
}

int measure_wake_ups(const char* seconds) {
  Loop loop(0);
  WakeUps wake_ups(seconds);
  while (wake_ups.begin_next()) {
    asio::post(loop.context(), [&wake_ups] { wake_ups.arrived(); });
  }
  return wake_ups.report();
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::size_t count = arguments.size();
  const std::string_view subject = count > 1 ? arguments[1] : "";
  if (subject == "echo" && count == 2) {
    return serve_echo();
  }
  if (subject == "await" && count == 3) {
    return measure_awaits(arguments[2]);
  }
  if (subject == "spawn" && count == 4) {
    return measure_spawns(arguments[2], number_from(arguments[3]));
  }
  if (subject == "round-trip" && count == 4) {
    return measure_round_trips(arguments[2], number_from(arguments[3]));
  }
  if (subject == "wake-up" && count == 3) {
    return measure_wake_ups(arguments[2]);
  }
  std::fputs("usage: see asio_main.cpp\n", stderr);
  return 64;
}
