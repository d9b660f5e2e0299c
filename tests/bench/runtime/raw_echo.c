// The echo server: one accept that stays armed, and for each connection a receive or a send.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"

struct Connection {
  int fd;
  bool sending;
  unsigned begin;  // of what is still to be sent
  unsigned end;
  char bytes[kBlockBytes];
};

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, length) != 0 || listen(fd, 512) != 0 ||
      getsockname(fd, (struct sockaddr*)&address, &length) != 0) {
    give_up("no socket to listen on", errno);
  }
  printf("%u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void receive(struct io_uring* ring, struct Connection* connection) {
  struct io_uring_sqe* entry = next_entry(ring);
  io_uring_prep_recv(entry, connection->fd, connection->bytes, sizeof(connection->bytes), 0);
  io_uring_sqe_set_data(entry, connection);
  connection->sending = false;
}

static void send_rest(struct io_uring* ring, struct Connection* connection) {
  struct io_uring_sqe* entry = next_entry(ring);
  io_uring_prep_send(entry, connection->fd, connection->bytes + connection->begin,
                     connection->end - connection->begin, MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data(entry, connection);
  connection->sending = true;
}

static void go_on(struct io_uring* ring, struct Connection* connection, int result) {
  if (result <= 0) {
    close(connection->fd);
    free(connection);
  } else if (!connection->sending) {
    connection->begin = 0;
    connection->end = (unsigned)result;
    send_rest(ring, connection);
  } else {
    connection->begin += (unsigned)result;
    if (connection->begin < connection->end) {
      send_rest(ring, connection);
    } else {
      receive(ring, connection);
    }
  }
}

static void accept_all(struct io_uring* ring, int listener) {
  struct io_uring_sqe* entry = next_entry(ring);
  io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
  io_uring_sqe_set_data(entry, NULL);
}

static void take_connection(struct io_uring* ring, int fd) {
  if (fd < 0) {
    give_up("accept", -fd);
  }
  struct Connection* connection = malloc(sizeof(*connection));
  if (connection == NULL) {
    give_up("a connection", ENOMEM);
  }
  connection->fd = fd;
  receive(ring, connection);
}

int serve_echo(void) {
  struct io_uring ring;
  make_ring(&ring);
  const int listener = listen_on_loopback();
  accept_all(&ring, listener);
  while (true) {
    submit_and_wait(&ring);
    struct io_uring_cqe* completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, completion) {
      ++count;
      struct Connection* connection = io_uring_cqe_get_data(completion);
      if (connection != NULL) {
        go_on(&ring, connection, completion->res);
        continue;
      }
      take_connection(&ring, completion->res);
      if ((completion->flags & IORING_CQE_F_MORE) == 0) {
        accept_all(&ring, listener);
      }
    }
    io_uring_cq_advance(&ring, count);
  }
}
