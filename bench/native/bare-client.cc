// The same bytes through a bare loop: one connection, frames prepared beforehand, nothing checked, nothing
// handed to anyone. It shows what the server and the machine can do, which is the limit of every client.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../server/frames.h"
#include "../server/transport.h"
#include "bare-connections.h"
#include "meter.h"

namespace {

using bench::FrameHeader;
using bench::Transport;

constexpr size_t kBuffer = 256 * 1024;
constexpr uint64_t kBlockBytes = 256 * 1024;
constexpr uint32_t kMask = 0x1234abcd;

bench::FileDescriptor dial(int port) {
  bench::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return bench::FileDescriptor();
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

class BareClient {
 public:
  BareClient(const bench_options& options, Transport transport)
      : options_(options), transport_(std::move(transport)), in_(kBuffer) {
    bench_meter_init(&meter_, &options_);
    std::vector<uint8_t> payload(options_.size, 'a');
    std::vector<uint8_t> frame(options_.size + bench::kLongestHeader);
    const uint8_t first = bench::kFin | (options_.text ? bench::kText : bench::kBinary);
    const size_t head = bench::write_header(frame.data(), first, options_.size, true, kMask);
    bench::mask_copy(frame.data() + head, payload.data(), payload.size(), kMask);
    frame.resize(head + payload.size());
    frame_size_ = frame.size();
    const uint64_t copies = std::max<uint64_t>(1, kBlockBytes / frame_size_);
    for (uint64_t i = 0; i < copies; ++i) block_.insert(block_.end(), frame.begin(), frame.end());
  }
  ~BareClient() { bench_meter_free(&meter_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  bool upgrade() {
    const std::string request = "GET " + std::string(options_.path) +
                                " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    while (transport_.handshake() != Transport::Status::kOk) wait(false);
    size_t sent = 0;
    while (sent < request.size()) {
      const auto* data = reinterpret_cast<const uint8_t*>(request.data());
      sent += transport_.write(data + sent, request.size() - sent).bytes;
    }
    std::string response;
    while (response.find("\r\n\r\n") == std::string::npos) {
      const Transport::Result got = transport_.read(in_.data(), 1);
      if (got.status == Transport::Status::kClosed) return false;
      response.append(reinterpret_cast<char*>(in_.data()), got.bytes);
      if (got.bytes == 0) wait(false);
    }
    return response.compare(0, 12, "HTTP/1.1 101") == 0;
  }

  // Runs until the meter says it is enough. False if the connection broke.
  bool run() {
    const std::string mode = options_.mode;
    const bool sends = mode == "send";
    allowed_ = frame_size_ * (mode == "receive" ? 1 : options_.flight);
    uint64_t base = 0;
    double sent_at = bench_now();
    for (;;) {
      if (!write_allowed()) return false;
      const Transport::Result got = transport_.read(in_.data(), in_.size());
      if (got.status == Transport::Status::kClosed) return false;
      if (got.bytes == 0) {
        const Transport::Status left = transport_.flush();
        wait(allowed_ > written_ || left == Transport::Status::kWantWrite);
        continue;
      }
      const uint64_t whole = count_frames(got.bytes);
      messages_ += sends ? whole * options_.every : whole;
      if (mode == "echo") allowed_ += whole * frame_size_;
      if (sends) allowed_ += whole * options_.every * frame_size_;
      if (options_.flight == 1 && whole > 0) {
        const double now = bench_now();
        bench_meter_latency(&meter_, now - sent_at);
        sent_at = now;
      }
      if (bench_meter_tick(&meter_, messages_, &base)) return true;
    }
  }

 private:
  void wait(bool writable) {
    pollfd fd = {transport_.fd(), static_cast<short>(POLLIN | (writable ? POLLOUT : 0)), 0};
    poll(&fd, 1, 1000);
  }

  bool write_allowed() {
    while (written_ < allowed_) {
      const size_t at = static_cast<size_t>(written_ % block_.size());
      const size_t piece =
          static_cast<size_t>(std::min<uint64_t>(block_.size() - at, allowed_ - written_));
      const Transport::Result put = transport_.write(block_.data() + at, piece);
      if (put.status == Transport::Status::kClosed) return false;
      written_ += put.bytes;
      if (put.bytes < piece) return true;
    }
    return true;
  }

  // Walks over the frames in the buffer by their headers.
  uint64_t count_frames(size_t size) {
    uint64_t whole = 0;
    size_t at = 0;
    while (at < size) {
      if (left_ == 0) {
        while (head_size_ < bench::kLongestHeader && at < size && !header_complete()) {
          head_[head_size_++] = in_[at++];
        }
        if (!header_complete()) break;
        left_ = header_.length;
        head_size_ = 0;
      }
      const size_t piece = static_cast<size_t>(std::min<uint64_t>(left_, size - at));
      at += piece;
      left_ -= piece;
      if (left_ == 0) ++whole;
    }
    return whole;
  }

  bool header_complete() { return bench::parse_header(head_, head_size_, header_) > 0; }

  const bench_options& options_;
  Transport transport_;
  std::vector<uint8_t> in_;
  std::vector<uint8_t> block_;
  size_t frame_size_ = 0;
  bench_meter meter_ = {};
  uint64_t allowed_ = 0;  // bytes that may have been written by now
  uint64_t written_ = 0;
  uint64_t messages_ = 0;
  FrameHeader header_;
  uint8_t head_[bench::kLongestHeader] = {};
  size_t head_size_ = 0;
  uint64_t left_ = 0;  // payload bytes of the frame at hand
};

}  // namespace

int main(int argc, char** argv) {
  bench_options options;
  if (bench_options_parse(&options, argc, argv) != 0) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  if (options.connections > 1) return bench::run_connections(options);
  bench::SslContext context;
  if (options.tls) {
    context.reset(SSL_CTX_new(TLS_client_method()));
    bench::tune(context.get());
  }
  bench::FileDescriptor socket = dial(options.port);
  if (!socket.valid()) {
    std::perror("connect");
    return 1;
  }
  const int on = 1;
  ioctl(socket.get(), FIONBIO, &on);
  BareClient client(options, Transport(std::move(socket), context.get(), Transport::Role::kClient));
  if (!client.upgrade() || !client.run()) {
    std::fprintf(stderr, "the connection broke\n");
    return 1;
  }
  return 0;
}
