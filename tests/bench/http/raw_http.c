// Usage: bench_raw_http PORT FOLDER NAME...
//
// The bound of a file server: what liburing alone can do with the same requests, without any of
// what makes a server. It serves files of one folder, which must not change: small ones out of
// its memory, the others by sendfile(2) from a descriptor that stays open. It reads of a request no
// more than its path, and whether "close" stands in it.
#define _GNU_SOURCE  // memmem
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

enum {
  kMostFiles = 16,
  kInMemoryBytes = 8 << 10,  // up to here a copy is cheaper than sendfile(2)
  kHeadBytes = 256,
  kReplyBytes = 64 << 10,  // of small files that are answered in one piece
  kTurnBytes = 1 << 20,    // of one connection, before the others have their turn
};

struct File {
  char path[64];  // as it stands in a request, with the blank after it
  int fd;
  off_t length;
  size_t head_length;
  size_t reply_length;  // the head, and the content if it is in memory
  char reply[kHeadBytes + kInMemoryBytes];
};

enum State { kReceiving, kSending, kWaitingForRoom };

struct Connection {
  int fd;
  enum State state;
  bool closes;
  size_t filled;  // of the request
  size_t begin;   // of what is still to be sent
  size_t end;
  const struct File* file;  // what is sent by sendfile(2) after that
  off_t offset;
  char request[8 << 10];
  char reply[kReplyBytes];
};

static struct File files[kMostFiles];
static size_t file_count;

static void add_file(int folder, const char* name) {
  struct stat facts;
  const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &facts) != 0) {
    give_up(name, errno);
  }
  if (file_count == kMostFiles) {
    give_up("files", E2BIG);
  }
  struct File* file = &files[file_count++];
  snprintf(file->path, sizeof(file->path), "/%.60s ", name);
  file->fd = fd;
  file->length = facts.st_size;
  // The fields that the other servers send too.
  file->head_length = (size_t)snprintf(
      file->reply, kHeadBytes,
      "HTTP/1.1 200 OK\r\nServer: raw\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
      "Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n"
      "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"0000000000000000\"\r\n"
      "Accept-Ranges: bytes\r\n\r\n",
      (long long)facts.st_size);
  file->reply_length = file->head_length;
  if (facts.st_size <= kInMemoryBytes) {
    if (pread(fd, file->reply + file->head_length, kInMemoryBytes, 0) != facts.st_size) {
      give_up(name, EIO);
    }
    file->reply_length += (size_t)facts.st_size;
  }
}

static void arm_receive(struct io_uring* ring, struct Connection* connection) {
  struct io_uring_sqe* entry = next_entry(ring);
  connection->state = kReceiving;
  io_uring_prep_recv(entry, connection->fd, connection->request + connection->filled,
                     sizeof(connection->request) - connection->filled, 0);
  io_uring_sqe_set_data(entry, connection);
}

static void arm_send(struct io_uring* ring, struct Connection* connection) {
  struct io_uring_sqe* entry = next_entry(ring);
  connection->state = kSending;
  io_uring_prep_send(entry, connection->fd, connection->reply + connection->begin,
                     connection->end - connection->begin,
                     MSG_NOSIGNAL | MSG_WAITALL | (connection->file != NULL ? MSG_MORE : 0));
  io_uring_sqe_set_data(entry, connection);
}

static void arm_poll(struct io_uring* ring, struct Connection* connection) {
  struct io_uring_sqe* entry = next_entry(ring);
  connection->state = kWaitingForRoom;
  io_uring_prep_poll_add(entry, connection->fd, POLLOUT);
  io_uring_sqe_set_data(entry, connection);
}

static void end_connection(struct Connection* connection) {
  close(connection->fd);
  free(connection);
}

static const struct File* find_file(const char* request) {
  for (size_t index = 0; index < file_count; ++index) {
    if (strncmp(request + 4, files[index].path, strlen(files[index].path)) == 0) {
      return &files[index];
    }
  }
  return NULL;
}

// Puts the replies to the requests that are here behind each other, up to the first large file.
// False: the request is not one.
static bool answer(struct Connection* connection) {
  char* next = connection->request;
  size_t left = connection->filled;
  connection->begin = connection->end = 0;
  connection->file = NULL;
  while (connection->file == NULL) {
    char* const end = memmem(next, left, "\r\n\r\n", 4);
    if (end == NULL) {
      break;
    }
    const struct File* const file = find_file(next);
    if (file == NULL) {
      return false;
    }
    if (connection->end + file->reply_length > kReplyBytes) {
      break;
    }
    const size_t length = (size_t)(end + 4 - next);
    connection->closes = memmem(next, length, "close", 5) != NULL;
    memcpy(connection->reply + connection->end, file->reply, file->reply_length);
    connection->end += file->reply_length;
    if (file->reply_length == file->head_length && file->length > 0) {
      connection->file = file;
      connection->offset = 0;
    }
    next += length;
    left -= length;
  }
  memmove(connection->request, next, left);
  connection->filled = left;
  return left < sizeof(connection->request);
}

static void receive_or_end(struct io_uring* ring, struct Connection* connection) {
  if (connection->closes) {
    shutdown(connection->fd, SHUT_WR);
    end_connection(connection);
  } else if (connection->filled > 0 && !answer(connection)) {
    end_connection(connection);
  } else if (connection->end > 0) {
    arm_send(ring, connection);
  } else {
    arm_receive(ring, connection);
  }
}

static void finish(struct io_uring* ring, struct Connection* connection) {
  connection->begin = connection->end = 0;
  connection->file = NULL;
  receive_or_end(ring, connection);
}

static void send_file(struct io_uring* ring, struct Connection* connection) {
  const off_t until = connection->offset + kTurnBytes;
  while (connection->offset < connection->file->length && connection->offset < until) {
    const ssize_t count =
        sendfile(connection->fd, connection->file->fd, &connection->offset, kTurnBytes);
    if (count < 0 && errno == EAGAIN) {
      break;
    }
    if (count <= 0) {
      end_connection(connection);
      return;
    }
  }
  if (connection->offset == connection->file->length) {
    finish(ring, connection);
  } else {
    arm_poll(ring, connection);
  }
}

static void go_on(struct io_uring* ring, struct Connection* connection, int result) {
  if (result <= 0) {
    end_connection(connection);
    return;
  }
  switch (connection->state) {
    case kReceiving:
      connection->filled += (size_t)result;
      receive_or_end(ring, connection);
      break;
    case kSending:
      connection->begin += (size_t)result;
      if (connection->begin < connection->end) {
        arm_send(ring, connection);
      } else if (connection->file != NULL) {
        send_file(ring, connection);
      } else {
        finish(ring, connection);
      }
      break;
    case kWaitingForRoom:
      send_file(ring, connection);
      break;
  }
}

static int listen_at(unsigned port) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  const int on = 1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd, (const struct sockaddr*)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0) {
    give_up("no socket to listen on", errno);
  }
  return fd;
}

static void arm_accept(struct io_uring* ring, int listener) {
  struct io_uring_sqe* entry = next_entry(ring);
  // sendfile(2) must not wait; what goes through the ring does not look at the flag.
  io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  io_uring_sqe_set_data(entry, NULL);
}

static void take(struct io_uring* ring, int listener, const struct io_uring_cqe* completion) {
  if (completion->res < 0) {
    give_up("accept", -completion->res);
  }
  struct Connection* connection = malloc(sizeof(*connection));
  if (connection == NULL) {
    give_up("a connection", ENOMEM);
  }
  // Not the buffers.
  memset(connection, 0, offsetof(struct Connection, request));
  connection->fd = completion->res;
  const int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  arm_receive(ring, connection);
  if ((completion->flags & IORING_CQE_F_MORE) == 0) {
    arm_accept(ring, listener);
  }
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fputs("usage: bench_raw_http PORT FOLDER NAME...\n", stderr);
    return 64;
  }
  const int folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    give_up(argv[2], errno);
  }
  for (int index = 3; index < argc; ++index) {
    add_file(folder, argv[index]);
  }
  signal(SIGPIPE, SIG_IGN);  // sendfile(2) has no flag for it
  struct io_uring ring;
  make_ring(&ring);
  const int listener = listen_at(number_from(argv[1]));
  arm_accept(&ring, listener);
  while (true) {
    submit_and_wait(&ring);
    struct io_uring_cqe* completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, completion) {
      ++count;
      struct Connection* connection = io_uring_cqe_get_data(completion);
      if (connection == NULL) {
        take(&ring, listener, completion);
      } else {
        go_on(&ring, connection, completion->res);
      }
    }
    io_uring_cq_advance(&ring, count);
  }
}
