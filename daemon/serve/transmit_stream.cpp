#include "serve/transmit_stream.hpp"

#include <string>

#include <sluice/sync.hpp>

#include "http/chunk.hpp"

namespace sluiced::serve {

using observe::TransferCut;

sluice::Task<std::optional<TransferCut>> transmit_stream(Outlet outlet, BodySource& source,
                                                         std::string_view head,
                                                         StreamFraming framing) {
  const bool is_chunked = framing == StreamFraming::chunked;
  // The framing in front of a piece and the piece itself, in one send.
  std::string buffer(head);
  while (true) {
    const auto piece = co_await source.next();
    if (!piece) {
      co_return sluice::is_cancelled(piece.error()) ? TransferCut::drain_cut
                                                    : TransferCut::io_error;
    }
    if (is_chunked) {
      http::append_chunk_start(buffer, piece->size());
    }
    const std::size_t framing_bytes = buffer.size();
    buffer.append(*piece);
    const bool is_end = piece->empty();
    if (is_end && is_chunked) {
      buffer.append(http::kAfterLastChunk);
    }
    const auto cut = co_await send_bytes(outlet, buffer, is_end ? buffer.size() : framing_bytes, 0);
    if (cut || is_end) {
      co_return cut;
    }
    // Making the next piece is no fault of the client.
    outlet.deadline.clear();
    buffer = is_chunked ? std::string(http::kAfterChunk) : std::string();
    co_await sluice::yield();
  }
}

}  // namespace sluiced::serve
