// Reading and writing: partial writes, joined pieces, records read ahead, every way a connection
// ends.

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/ws/tuning.h"
#include "harness.h"
#include "support/system.h"
#include "tls_support.h"

using namespace tls_test;

namespace {

using Bytes = std::vector<uint8_t>;

// As Node does: without gathering OpenSSL writes to the socket by itself, and does not ask for silence.
[[maybe_unused]] const bool kIgnored = vws::test::ignore_broken_pipes();

const Credentials& root() {
  static const Credentials made = make_authority("Test Root");
  return made;
}

const Credentials& leaf() {
  static const Credentials made = make_leaf("host", "DNS:host.example", root());
  return made;
}

ServerSpec server_spec(int max_version) {
  ServerSpec spec;
  spec.credentials = &leaf();
  spec.max_version = max_version;
  return spec;
}

std::shared_ptr<const TlsConfig> config() {
  static const std::shared_ptr<const TlsConfig> made = [] {
    TlsSettings settings;
    settings.ca = pem_of(root().certificate);
    return make_config(settings);
  }();
  return made;
}

const TlsPeer kPeer{"host.example", std::nullopt, ""};

// An established connection, reading ahead as the engine's do.
struct Established {
  explicit Established(int version = TLS1_3_VERSION, size_t pipe_size = 64 * 1024)
      : server(server_spec(version)), pair(config(), server, kPeer, pipe_size) {
    CHECK(pair.handshake());
    tls_begin_bulk(pair.client());
  }
  TlsServer server;
  TlsPair pair;
};

Bytes read_all(SSL* ssl, size_t room = 100000) {
  Bytes all;
  for (;;) {
    Bytes piece(room);
    const IoResult result = tls_read(ssl, piece.data(), piece.size());
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(result.bytes));
    if (result.state != IoResult::kOk) {
      CHECK_EQ(result.state, IoResult::kWantRead);
      return all;
    }
  }
}

// Cuts data into pieces of these sizes, over and over.
std::vector<struct iovec> cut(const Bytes& data, const std::vector<size_t>& sizes,
                              size_t from = 0) {
  std::vector<struct iovec> pieces;
  for (size_t i = 0; from < data.size(); ++i) {
    const size_t size = std::min(sizes[i % sizes.size()], data.size() - from);
    pieces.push_back({const_cast<uint8_t*>(data.data()) + from, size});
    from += size;
  }
  return pieces;
}

void count_records(int write, int, int type, const void* data, size_t size, SSL*, void* counter) {
  if (!write || type != SSL3_RT_HEADER || size < 1) return;
  if (static_cast<const uint8_t*>(data)[0] == SSL3_RT_APPLICATION_DATA)
    ++*static_cast<int*>(counter);
}

// Writes everything through a pipe that is too small, reading at the other end. Every call gets the
// rest at another address, as a queue that has grown may have moved.
void write_through(int version, size_t pipe_size, const std::vector<size_t>& sizes, size_t total) {
  Established connection(version, pipe_size);
  vws::test::Random random;
  const Bytes data = random.bytes(total);
  Bytes arrived;
  size_t written = 0;
  int waits = 0;
  while (written < total) {
    const Bytes moved(data.begin() + static_cast<std::ptrdiff_t>(written), data.end());
    const auto pieces = cut(moved, sizes);
    const IoResult result = tls_write(connection.pair.client(), pieces.data(), pieces.size());
    written += result.bytes;
    if (result.state == IoResult::kWantWrite) {
      ++waits;
      CHECK(result.sealed > 0 && result.sealed <= 16384 && result.sealed <= total - written);
    } else if (!CHECK_EQ(result.state, IoResult::kOk)) {
      return;
    }
    const Bytes some = read_all(connection.pair.server());
    arrived.insert(arrived.end(), some.begin(), some.end());
  }
  CHECK(waits > 0 || total < pipe_size);
  CHECK(arrived == data);
}

}  // namespace

TEST("io round trip") {
  Established connection;
  const std::string hello = "hello";
  const IoResult written = tls_write(connection.pair.client(),
                                     reinterpret_cast<const uint8_t*>(hello.data()), hello.size());
  CHECK_EQ(written.state, IoResult::kOk);
  CHECK_EQ(written.bytes, 5u);
  const Bytes got = read_all(connection.pair.server());
  CHECK_EQ(std::string(got.begin(), got.end()), hello);
}

TEST("io nothing to do") {
  Established connection;
  const struct iovec empty[3] = {{nullptr, 0}, {nullptr, 0}, {nullptr, 0}};
  CHECK_EQ(tls_write(connection.pair.client(), empty, 0).state, IoResult::kOk);
  const IoResult written = tls_write(connection.pair.client(), empty, 3);
  CHECK_EQ(written.state, IoResult::kOk);
  CHECK_EQ(written.bytes, 0u);
  CHECK_EQ(tls_read(connection.pair.client(), nullptr, 0).state, IoResult::kOk);
  uint8_t byte = 0;
  CHECK_EQ(tls_read(connection.pair.client(), &byte, 1).state, IoResult::kWantRead);
}

TEST("io a burst is one record") {
  Established connection;
  int records = 0;
  SSL_set_msg_callback(connection.pair.client(), count_records);
  SSL_set_msg_callback_arg(connection.pair.client(), &records);
  const Bytes data = vws::test::Random().bytes(16384);
  auto pieces = cut(data, {100, 0, 1, 700});
  CHECK_EQ(tls_write(connection.pair.client(), pieces.data(), pieces.size()).bytes, data.size());
  CHECK_EQ(records, 1);
  CHECK(read_all(connection.pair.server()) == data);

  records = 0;
  const Bytes large = vws::test::Random().bytes(16384 * 3 + 1);
  pieces = cut(large, {20000, 5000});
  CHECK_EQ(tls_write(connection.pair.client(), pieces.data(), pieces.size()).bytes, large.size());
  CHECK_EQ(records, 4);
  CHECK(read_all(connection.pair.server()) == large);
}

TEST("io partial writes") {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    for (const size_t pipe : {2048u, 17000u, 40000u}) {
      write_through(version, pipe, {1000}, 200000);
      write_through(version, pipe, {200000}, 200000);
      write_through(version, pipe, {1, 16383, 16384, 16385, 0, 3}, 200000);
    }
  }
}

TEST("io a blocked write goes on with more behind it") {
  Established connection(TLS1_3_VERSION, 2048);
  Bytes queue(5000, 'a');
  const IoResult first = tls_write(connection.pair.client(), queue.data(), queue.size());
  CHECK_EQ(first.state, IoResult::kWantWrite);
  CHECK_EQ(first.bytes, 0u);
  CHECK_EQ(first.sealed, 5000u);
  queue.insert(queue.end(), 30000, 'b');
  Bytes arrived;
  size_t written = 0;
  while (written < queue.size()) {
    const Bytes some = read_all(connection.pair.server());
    arrived.insert(arrived.end(), some.begin(), some.end());
    const IoResult more =
        tls_write(connection.pair.client(), queue.data() + written, queue.size() - written);
    written += more.bytes;
    if (!CHECK(more.state == IoResult::kOk || more.state == IoResult::kWantWrite)) return;
  }
  const Bytes rest = read_all(connection.pair.server());
  arrived.insert(arrived.end(), rest.begin(), rest.end());
  CHECK(arrived == queue);
}

TEST("io reads of every size") {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    for (const size_t room : {1u, 7u, 16384u, 16385u, 100000u}) {
      Established connection(version, 200000);
      const Bytes data = vws::test::Random().bytes(room == 1 ? 3000 : 100000);
      const auto pieces = cut(data, {5000, 1, 30000});
      for (const struct iovec& piece : pieces) {
        CHECK_EQ(tls_write(connection.pair.server(), &piece, 1).bytes, piece.iov_len);
      }
      CHECK(read_all(connection.pair.client(), room) == data);
    }
  }
}

// What has been read ahead of the room there was is not forgotten.
TEST("io state ok means that more may wait") {
  Established connection;
  const Bytes data(3 * 1000, 'x');
  for (int i = 0; i < 3; ++i) tls_write(connection.pair.server(), data.data() + i * 1000, 1000);
  Bytes room(1000);
  for (int i = 0; i < 3; ++i) {
    const IoResult result = tls_read(connection.pair.client(), room.data(), room.size());
    CHECK_EQ(result.state, IoResult::kOk);
    CHECK_EQ(result.bytes, 1000u);
  }
  CHECK_EQ(tls_read(connection.pair.client(), room.data(), room.size()).state, IoResult::kWantRead);
}

TEST("io close_notify") {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    Established connection(version);
    const Bytes data(100, 'x');
    tls_write(connection.pair.server(), data.data(), data.size());
    SSL_shutdown(connection.pair.server());
    Bytes room(1000);
    IoResult result = tls_read(connection.pair.client(), room.data(), room.size());
    CHECK_EQ(result.state, IoResult::kClosed);
    CHECK_EQ(result.bytes, 100u);
    CHECK(!result.failure);
    result = tls_read(connection.pair.client(), room.data(), room.size());
    CHECK_EQ(result.state, IoResult::kClosed);
    // The other direction is still open.
    CHECK_EQ(tls_write(connection.pair.client(), data.data(), data.size()).state, IoResult::kOk);
    SSL_shutdown(connection.pair.client());
    CHECK_EQ(tls_write(connection.pair.client(), data.data(), data.size()).state, IoResult::kError);
  }
}

TEST("io end of tcp without close_notify") {
  Established connection;
  const Bytes data(100, 'x');
  tls_write(connection.pair.server(), data.data(), data.size());
  BIO_shutdown_wr(SSL_get_wbio(connection.pair.server()));
  Bytes room(1000);
  const IoResult result = tls_read(connection.pair.client(), room.data(), room.size());
  CHECK_EQ(result.state, IoResult::kEof);
  CHECK_EQ(result.bytes, 100u);
  CHECK_EQ(result.failure.code, "ECONNRESET");
}

TEST("io a damaged record") {
  Established connection;
  BIO* wire = SSL_get_wbio(connection.pair.server());
  const std::string bytes = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  BIO_write(wire, bytes.data(), static_cast<int>(bytes.size()));
  uint8_t room[100];
  const IoResult result = tls_read(connection.pair.client(), room, sizeof room);
  CHECK_EQ(result.state, IoResult::kError);
  CHECK_EQ(result.failure.code, "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC");
  // And of another connection's failure the next one knows nothing.
  Established other;
  CHECK_EQ(tls_read(other.pair.client(), room, sizeof room).state, IoResult::kWantRead);
}

TEST("io an error left behind by somebody else") {
  Established connection;
  uint8_t room[100];
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  CHECK_EQ(tls_read(connection.pair.client(), room, sizeof room).state, IoResult::kWantRead);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  CHECK_EQ(tls_write(connection.pair.client(), room, 1).state, IoResult::kOk);
}

// The server asks for new keys in the middle of it.
TEST("io key update") {
  Established connection;
  const Bytes data = vws::test::Random().bytes(1000);
  SSL_key_update(connection.pair.server(), SSL_KEY_UPDATE_REQUESTED);
  CHECK_EQ(tls_write(connection.pair.server(), data.data(), data.size()).state, IoResult::kOk);
  CHECK(read_all(connection.pair.client()) == data);
  CHECK_EQ(tls_write(connection.pair.client(), data.data(), data.size()).state, IoResult::kOk);
  CHECK(read_all(connection.pair.server()) == data);
}

TEST("io renegotiation") {
  Established connection(TLS1_2_VERSION);
  const Bytes data = vws::test::Random().bytes(1000);
  SSL_clear_options(connection.pair.server(), SSL_OP_NO_RENEGOTIATION);
  CHECK_EQ(SSL_renegotiate(connection.pair.server()), 1);
  uint8_t room[1000];
  SSL_do_handshake(connection.pair.server());
  for (int i = 0; i < 10; ++i) {
    CHECK_EQ(tls_read(connection.pair.client(), room, sizeof room).state, IoResult::kWantRead);
    CHECK_EQ(tls_read(connection.pair.server(), room, sizeof room).state, IoResult::kWantRead);
  }
  CHECK(!SSL_renegotiate_pending(connection.pair.server()));
  CHECK(connection.pair.verdict().authorized());
  CHECK_EQ(tls_write(connection.pair.client(), data.data(), data.size()).state, IoResult::kOk);
  CHECK(read_all(connection.pair.server()) == data);
}

// ---- Over real sockets, where records are gathered

namespace {

// Both ends of a connection with send buffers of this size; 0: the system's.
struct Sockets {
  explicit Sockets(int buffer_size = 0, int version = TLS1_3_VERSION)
      : server(server_spec(version)) {
    CHECK(static_cast<bool>(ends.one));
    if (buffer_size) {
      for (const int fd : {ends.one.get(), ends.other.get()})
        vws::test::set_buffers(fd, buffer_size);
    }
    pair = std::make_unique<TlsPair>(config(), server, kPeer, ends.one.get(), ends.other.get());
    CHECK(pair->handshake());
    tls_begin_bulk(pair->client());
  }
  SSL* client() { return pair->client(); }
  SSL* peer() { return pair->server(); }
  vws::test::SocketPair ends = vws::test::socket_pair();
  TlsServer server;
  std::unique_ptr<TlsPair> pair;
};

// One side's writing and what comes of it at the other, a step at a time.
struct Transfer {
  Transfer(Sockets& on, Bytes bytes) : sockets(on), data(std::move(bytes)) {}
  bool step(const std::vector<size_t>& sizes) {
    // As much as a queue would hand over at once.
    const auto from = data.begin() + static_cast<std::ptrdiff_t>(written);
    const size_t size = std::min<size_t>(data.size() - written, 300000);
    const Bytes moved(from, from + static_cast<std::ptrdiff_t>(size));
    auto pieces = cut(moved, sizes);
    if (pieces.size() > 64) pieces.resize(64);
    const IoResult result = tls_write(sockets.client(), pieces.data(), pieces.size());
    written += result.bytes;
    if (result.state == IoResult::kWantWrite) {
      ++waits;
      CHECK(result.sealed > 0 && result.sealed <= data.size() - written);
    } else {
      CHECK_EQ(result.state, IoResult::kOk);
    }
    return written < data.size();
  }
  void receive() {
    const Bytes some = read_all(sockets.peer());
    arrived.insert(arrived.end(), some.begin(), some.end());
  }
  Sockets& sockets;
  Bytes data;
  Bytes arrived;
  size_t written = 0;
  int waits = 0;
};

}  // namespace

TEST("io sockets blocked and released") {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    for (const int buffer : {4096, 50000, 0}) {
      for (const std::vector<size_t>& sizes : std::vector<std::vector<size_t>>{
               {300000}, {65536}, {1000}, {1, 16383, 16384, 16385, 0, 3, 200000}}) {
        Sockets sockets(buffer, version);
        Transfer transfer(sockets, vws::test::Random().bytes(buffer == 4096 ? 200000 : 1 << 20));
        while (transfer.step(sizes)) transfer.receive();
        transfer.receive();
        CHECK(transfer.arrived == transfer.data);
        CHECK(transfer.waits > 0 || sizes[0] <= 1000);
      }
    }
  }
}

// The buffer in which records are gathered is the thread's: connections must not mix.
TEST("io sockets of several connections") {
  vws::test::Random random;
  Sockets a(4096), b(20000), c;
  Transfer transfers[] = {
      {a, random.bytes(500000)}, {b, random.bytes(500000)}, {c, random.bytes(500000)}};
  for (int turn = 0; turn < 10000; ++turn) {
    bool more = false;
    for (Transfer& transfer : transfers) {
      if (transfer.written < transfer.data.size()) more = transfer.step({3000, 40000}) || more;
      if (random.below(2) == 0) transfer.receive();
    }
    if (!more) break;
  }
  for (Transfer& transfer : transfers) {
    transfer.receive();
    CHECK(transfer.arrived == transfer.data);
  }
}

TEST("io sockets key update while blocked") {
  Sockets sockets(4096);
  Transfer transfer(sockets, vws::test::Random().bytes(300000));
  CHECK(transfer.step({300000}));
  // The answer to this has to wait behind what is sealed already.
  SSL_key_update(sockets.peer(), SSL_KEY_UPDATE_REQUESTED);
  const uint8_t byte = 'x';
  CHECK_EQ(tls_write(sockets.peer(), &byte, 1).state, IoResult::kOk);
  uint8_t room[10];
  const IoResult result = tls_read(sockets.client(), room, sizeof room);
  CHECK(result.state == IoResult::kWantRead || result.state == IoResult::kWantWrite);
  transfer.receive();
  while (transfer.step({300000})) transfer.receive();
  transfer.receive();
  CHECK(transfer.arrived == transfer.data);
  CHECK_EQ(result.bytes + tls_read(sockets.client(), room, sizeof room).bytes, 1u);
}

TEST("io sockets close_notify behind what is sealed") {
  Sockets sockets(4096);
  Transfer transfer(sockets, vws::test::Random().bytes(100000));
  while (transfer.step({100000})) transfer.receive();
  int ended = SSL_shutdown(sockets.client());
  transfer.arrived.reserve(transfer.data.size());
  Bytes room(200000);
  size_t more = 0;
  IoResult result;
  do {
    result = tls_read(sockets.peer(), room.data(), room.size());
    more += result.bytes;
    // There may have been no room for it.
    if (ended < 0) ended = SSL_shutdown(sockets.client());
  } while (result.state == IoResult::kWantRead &&
           (ended < 0 || vws::test::wait_readable(sockets.ends.other.get(), 20000)));
  CHECK_EQ(result.state, IoResult::kClosed);
  CHECK_EQ(transfer.arrived.size() + more, transfer.data.size());
}

TEST("io sockets short reads") {
  Sockets sockets;
  const Bytes data = vws::test::Random().bytes(100000);
  Bytes room(data.size());
  // Small and large, a short read ends it, and nothing is lost.
  for (const size_t size : {1u, 100u, 20000u, 100000u}) {
    CHECK_EQ(tls_write(sockets.peer(), data.data(), size).bytes, size);
    size_t got = 0;
    IoResult result;
    for (int i = 0; i < 10 && got < size; ++i) {
      result = tls_read(sockets.client(), room.data() + got, room.size() - got, true);
      got += result.bytes;
    }
    CHECK_EQ(got, size);
    CHECK(std::equal(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size), data.begin()));
    if (size < data.size()) CHECK_EQ(result.state, IoResult::kWantRead);
  }
  // The end is not looked for behind a short read, unless asked for.
  CHECK_EQ(tls_write(sockets.peer(), data.data(), 10).bytes, 10u);
  vws::os::end_sending(sockets.ends.other.get());
  IoResult result = tls_read(sockets.client(), room.data(), room.size(), true);
  CHECK_EQ(result.bytes, 10u);
  CHECK_EQ(result.state, vws::tuning().gather ? IoResult::kWantRead : IoResult::kEof);
  CHECK_EQ(tls_read(sockets.client(), room.data(), room.size(), false).state, IoResult::kEof);
}

TEST("io sockets are found by the engine") {
  Sockets sockets;
  CHECK_EQ(SSL_get_fd(sockets.client()), sockets.ends.one.get());
}

TEST("io sockets whose peer is gone") {
  Sockets sockets;
  sockets.ends.other.reset();
  uint8_t room[100] = {};
  IoResult written;
  do written = tls_write(sockets.client(), room, sizeof room);
  while (vws::test::kPairsAreTcp && written.state == IoResult::kOk);
  CHECK_EQ(written.state, IoResult::kError);
  CHECK_EQ(written.bytes, 0u);
  CHECK_EQ(written.failure.code, vws::test::kPairsAreTcp ? "ECONNRESET" : "EPIPE");
  const IoResult read = tls_read(sockets.client(), room, sizeof room);
  CHECK_EQ(read.state, vws::test::kPairsAreTcp ? IoResult::kError : IoResult::kEof);
  CHECK_EQ(read.failure.code, "ECONNRESET");
}

TEST_MAIN
