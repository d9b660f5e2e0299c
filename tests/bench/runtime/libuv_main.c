// Usage: bench_libuv echo
//
// The echo server on libuv: callbacks, a write that is tried at once and queued if it must be.
#include <uv.h>

#include "meter.h"

struct Connection {
  uv_tcp_t socket;
  uv_write_t write;
  char bytes[kBlockBytes];
};

static void check(int result, const char* what) {
  if (result < 0) {
    fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
    exit(71);
  }
}

static void free_connection(uv_handle_t* handle) { free(handle->data); }

static void on_room(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)suggested;
  struct Connection* connection = handle->data;
  *buffer = uv_buf_init(connection->bytes, sizeof(connection->bytes));
}

static void on_written(uv_write_t* request, int status) {
  struct Connection* connection = request->data;
  if (status < 0) {
    uv_close((uv_handle_t*)&connection->socket, free_connection);
  }
}

// The client awaits the answer before it sends more, so the buffer is free again by then.
static void on_bytes(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  struct Connection* connection = stream->data;
  if (count < 0) {
    uv_close((uv_handle_t*)stream, free_connection);
  } else if (count > 0) {
    const uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)count);
    connection->write.data = connection;
    check(uv_write(&connection->write, stream, &answer, 1, on_written), "uv_write");
  }
}

static void on_connection(uv_stream_t* server, int status) {
  check(status, "accept");
  struct Connection* connection = malloc(sizeof(*connection));
  if (connection == NULL) {
    give_up("a connection", ENOMEM);
  }
  check(uv_tcp_init(server->loop, &connection->socket), "uv_tcp_init");
  connection->socket.data = connection;
  check(uv_accept(server, (uv_stream_t*)&connection->socket), "uv_accept");
  check(uv_read_start((uv_stream_t*)&connection->socket, on_room, on_bytes), "uv_read_start");
}

int main(int argc, char** argv) {
  if (argc != 2 || strcmp(argv[1], "echo") != 0) {
    fprintf(stderr, "usage: see libuv_main.c\n");
    return 64;
  }
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t server;
  struct sockaddr_in address;
  int length = sizeof(address);
  check(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  check(uv_tcp_init(loop, &server), "uv_tcp_init");
  check(uv_tcp_bind(&server, (const struct sockaddr*)&address, 0), "uv_tcp_bind");
  check(uv_listen((uv_stream_t*)&server, 512, on_connection), "uv_listen");
  check(uv_tcp_getsockname(&server, (struct sockaddr*)&address, &length), "uv_tcp_getsockname");
  printf("%u\n", ntohs(address.sin_port));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return 70;
}
