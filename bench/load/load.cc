// Load for WebSocket servers: many connections, so many messages in flight on each. Frames are made beforehand and what
// comes back is only counted, so that the server is the limit. Prints one JSON object.
//
//   load --port N [--tls] [--connections N] [--flight N] [--size N] [--text] [--deflate]
//        [--mode echo|open|broadcast|hold] [--topics N] [--every MS] [--socketio]
//        [--warm MS] [--measure MS]
//
// echo: each answer is followed by the next message. open: connections are made and closed. broadcast: what the first
// connection sends comes to all; when it has, the next follows, with --every so much later. With --topics connections
// say by their path which they are for, each the next one, and what is sent comes to those. hold: connections stay
// idle. --socketio: over socket.io's protocol, each message an event. It begins when it has got a line, and stays until
// it is killed.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 0;
  bool tls = false;
  int connections = 1;
  int flight = 1;
  size_t size = 64;
  bool text = false;
  bool deflate = false;
  std::string mode = "echo";
  int topics = 1;
  int every = 0;
  bool socketio = false;
  int warm = 300;
  int measure = 1000;
};

struct Counters {
  uint64_t messages = 0;
  uint64_t opened = 0;
  uint64_t failed = 0;
  std::vector<uint32_t> latencies;  // ns
};

constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr uint8_t kMask[4] = {0x37, 0xfa, 0x21, 0x3d};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::string payload_of(const Options& options) {
  std::string payload;
  if (options.socketio) return "42[\"m\",\"" + std::string(options.size, 'x') + "\"]";
  if (!options.deflate) return std::string(options.size, 'x');
  // JSON, as it compresses in practice.
  for (int i = 0; payload.size() < options.size; ++i) {
    payload += "{\"id\":" + std::to_string(i * 7919) + ",\"name\":\"sensor-" + std::to_string(i) +
               "\",\"value\":" + std::to_string(i * 1.37) + ",\"state\":\"on\"},";
  }
  payload.resize(options.size);
  return payload;
}

// As a client that takes over no context sends it.
std::string deflated(const std::string& payload) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(payload.size() + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(&out[0]);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_SYNC_FLUSH);
  out.resize(out.size() - stream.avail_out - 4);
  deflateEnd(&stream);
  return out;
}

std::string masked_frame(const std::string& payload, bool text, bool compressed) {
  std::string frame;
  frame += static_cast<char>(0x80 | (compressed ? 0x40 : 0) | (text ? 1 : 2));
  const size_t n = payload.size();
  if (n <= 125) {
    frame += static_cast<char>(0x80 | n);
  } else if (n <= 0xffff) {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(n >> 8);
    frame += static_cast<char>(n);
  } else {
    frame += static_cast<char>(0x80 | 127);
    for (int i = 7; i >= 0; --i) frame += static_cast<char>(static_cast<uint64_t>(n) >> (8 * i));
  }
  frame.append(reinterpret_cast<const char*>(kMask), 4);
  for (size_t i = 0; i < n; ++i) frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return frame;
}

std::string frame_of(const Options& options) {
  const std::string payload = payload_of(options);
  return masked_frame(options.deflate ? deflated(payload) : payload, options.text, options.deflate);
}

class Load;

// One connection: handshake, then frames. Edge-triggered.
class Client {
 public:
  Client(Load& load, int index) : load_(load), index_(index) {}
  ~Client() { reset(); }

  void open();
  void on_ready();
  void send(size_t count);
  int topic() const;
  // Of the last message.
  Clock::time_point sent_at() const { return sent_at_; }

 private:
  enum class Step { kClosed, kConnecting, kTls, kResponse, kOpen };

  void reset();
  void fail();
  ssize_t read(uint8_t* to, size_t n);
  void write();
  void take(const uint8_t* data, size_t n);
  void answered(size_t count);
  void upgraded();
  void opened();
  std::string path() const;

  Load& load_;
  const int index_;
  // Of socket.io's: what comes before it is in the room.
  size_t greetings_ = 0;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  Step step_ = Step::kClosed;
  std::string head_;
  size_t response_matched_ = 0;
  // Frames of the server: what of the header is still missing, and of the payload.
  uint8_t header_[10];
  size_t header_size_ = 0;
  uint64_t payload_left_ = 0;
  bool in_payload_ = false;
  // To be written: whole frames, of the first of which a part has gone.
  size_t frames_to_send_ = 0;
  size_t sent_of_first_ = 0;
  size_t head_sent_ = 0;
  Clock::time_point sent_at_;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options(options),
        frame(frame_of(options)),
        epoll_(epoll_create1(0)),
        buffer(256 * 1024),
        delivered_(static_cast<size_t>(options.topics)) {
    // So many frames in one write.
    const size_t copies = std::max<size_t>(1, std::min<size_t>(128, 64 * 1024 / frame.size()));
    for (size_t i = 0; i < copies; ++i) frames += frame;
    if (options.tls) {
      tls = SSL_CTX_new(TLS_client_method());
      SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
  }

  void watch(int fd, Client* client) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP;
    event.data.ptr = client;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void run();

  // Messages of a broadcast: when one has come to all, the first connection of the topic sends the next.
  void delivered(int topic, size_t count) {
    uint64_t& so_far = delivered_[static_cast<size_t>(topic)];
    so_far += count;
    const auto all = static_cast<uint64_t>(options.connections / options.topics);
    const uint64_t next = so_far / all;
    so_far %= all;
    if (next == 0) return;
    Client& first = *clients_[static_cast<size_t>(topic)];
    if (options.every == 0) return first.send(next);
    const auto now = Clock::now();
    if (measuring) note_latency(now - first.sent_at());
    due_ = now + std::chrono::milliseconds(options.every);
  }

  void note_latency(Clock::duration latency) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(latency).count();
    counters.latencies.push_back(static_cast<uint32_t>(std::min<int64_t>(ns, UINT32_MAX)));
  }

  const Options options;
  const std::string frame;
  std::string frames;
  SSL_CTX* tls = nullptr;
  Counters counters;
  bool measuring = false;
  int epoll_;
  std::vector<uint8_t> buffer;
  std::vector<Client*> reopen;

 private:
  void turn_until(Clock::time_point end);
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<uint64_t> delivered_;  // by topic
  // When the next message of a broadcast with --every goes out; the end of time: it is on its way.
  Clock::time_point due_ = Clock::time_point::max();
};

int Client::topic() const { return index_ % load_.options.topics; }

std::string Client::path() const {
  if (load_.options.socketio) return "/socket.io/?EIO=4&transport=websocket";
  return "/" + (load_.options.topics > 1 ? std::to_string(topic()) : std::string());
}

void Client::reset() {
  if (ssl_) SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) {
    // No TIME_WAIT: ports would run out.
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd_);
  }
  fd_ = -1;
  step_ = Step::kClosed;
  response_matched_ = head_sent_ = header_size_ = 0;
  in_payload_ = false;
  frames_to_send_ = sent_of_first_ = 0;
}

void Client::fail() {
  ++load_.counters.failed;
  reset();
  load_.reopen.push_back(this);
}

void Client::open() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) die("socket");
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  // Several addresses of our own: each has 28,000 ports.
  address.sin_addr.s_addr = htonl(0x7f000001u + static_cast<uint32_t>(index_ % 64));
  bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  address.sin_addr.s_addr = htonl(0x7f000001u);
  address.sin_port = htons(static_cast<uint16_t>(load_.options.port));
  step_ = Step::kConnecting;
  connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  load_.watch(fd_, this);
}

ssize_t Client::read(uint8_t* to, size_t n) {
  if (!ssl_) return recv(fd_, to, n, 0);
  const int got = SSL_read(ssl_, to, static_cast<int>(n));
  if (got > 0) return got;
  const int error = SSL_get_error(ssl_, got);
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
  return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void Client::write() {
  while (head_sent_ < head_.size() || frames_to_send_ > 0) {
    const char* data;
    size_t size;
    const bool head = head_sent_ < head_.size();
    if (head) {
      data = head_.data() + head_sent_;
      size = head_.size() - head_sent_;
    } else {
      const size_t copies = load_.frames.size() / load_.frame.size();
      data = load_.frames.data() + sent_of_first_;
      size = std::min(frames_to_send_, copies) * load_.frame.size() - sent_of_first_;
    }
    ssize_t sent;
    if (ssl_) {
      sent = SSL_write(ssl_, data, static_cast<int>(std::min<size_t>(size, 1 << 30)));
      if (sent <= 0) return;
    } else {
      sent = ::send(fd_, data, size, MSG_NOSIGNAL);
      if (sent < 0) return;
    }
    if (head) {
      head_sent_ += static_cast<size_t>(sent);
    } else {
      const size_t total = sent_of_first_ + static_cast<size_t>(sent);
      frames_to_send_ -= total / load_.frame.size();
      sent_of_first_ = total % load_.frame.size();
    }
  }
}

void Client::on_ready() {
  if (step_ == Step::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail();
    head_ = "GET " + path() +
            " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
            std::string(kKey) + "\r\n";
    if (load_.options.deflate) {
      head_ +=
          "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
          "server_no_context_takeover\r\n";
    }
    head_ += "\r\n";
    if (load_.tls) {
      ssl_ = SSL_new(load_.tls);
      SSL_set_fd(ssl_, fd_);
      SSL_set_connect_state(ssl_);
      step_ = Step::kTls;
    } else {
      step_ = Step::kResponse;
    }
  }
  if (step_ == Step::kTls) {
    const int result = SSL_do_handshake(ssl_);
    if (result != 1) {
      const int error = SSL_get_error(ssl_, result);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
      return fail();
    }
    step_ = Step::kResponse;
  }
  write();
  for (;;) {
    const ssize_t got = read(load_.buffer.data(), load_.buffer.size());
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) return fail();
    take(load_.buffer.data(), static_cast<size_t>(got));
    if (step_ == Step::kClosed) return;
  }
  write();
}

// socket.io tells of the session, is asked for the namespace, and says that we are in it.
void Client::upgraded() {
  step_ = Step::kOpen;
  if (!load_.options.socketio) return opened();
  greetings_ = 2;
  head_ = masked_frame("40", true, false);
  head_sent_ = 0;
}

void Client::opened() {
  ++load_.counters.opened;
  if (load_.options.mode == "open") {
    reset();
    load_.reopen.push_back(this);
  }
}

void Client::send(size_t count) {
  if (step_ != Step::kOpen) return;
  frames_to_send_ += count;
  sent_at_ = Clock::now();
  write();
}

void Client::answered(size_t count) {
  load_.counters.messages += count;
  if (load_.options.mode == "broadcast") return load_.delivered(topic(), count);
  if (load_.options.mode != "echo") return;
  if (load_.options.flight == 1 && load_.options.connections == 1) {
    if (load_.measuring) load_.note_latency(Clock::now() - sent_at_);
    sent_at_ = Clock::now();
  }
  frames_to_send_ += count;
}

void Client::take(const uint8_t* data, size_t n) {
  const uint8_t* const end = data + n;
  if (step_ == Step::kResponse) {
    static const char kEnd[] = "\r\n\r\n";
    while (data != end && response_matched_ < 4) {
      response_matched_ = *data == kEnd[response_matched_] ? response_matched_ + 1
                          : *data == '\r'                  ? 1
                                                           : 0;
      ++data;
    }
    if (response_matched_ < 4) return;
    upgraded();
    if (step_ == Step::kClosed) return;
  }
  size_t count = 0;
  while (data != end) {
    if (in_payload_) {
      const uint64_t part = std::min<uint64_t>(payload_left_, static_cast<uint64_t>(end - data));
      data += part;
      payload_left_ -= part;
      if (payload_left_ == 0) {
        in_payload_ = false;
        ++count;
      }
      continue;
    }
    header_[header_size_++] = *data++;
    const size_t needed = header_size_ < 2 ? 2 : header_[1] == 127 ? 10 : header_[1] == 126 ? 4 : 2;
    if (header_size_ < needed) continue;
    uint64_t size = header_[1];
    if (size >= 126) {
      size = 0;
      for (size_t i = 2; i < needed; ++i) size = size << 8 | header_[i];
    }
    header_size_ = 0;
    payload_left_ = size;
    in_payload_ = size > 0;
    if (size == 0) ++count;
  }
  for (; greetings_ > 0 && count > 0; --count) {
    if (--greetings_ == 0) opened();
  }
  if (count) answered(count);
}

void Load::turn_until(Clock::time_point end) {
  epoll_event events[256];
  for (;;) {
    const auto now = Clock::now();
    if (now >= end) return;
    if (now >= due_) {
      due_ = Clock::time_point::max();
      clients_.front()->send(1);
    }
    const auto until = std::min(end, due_) - now;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until).count();
    const int ready = epoll_wait(epoll_, events, 256, static_cast<int>(left));
    for (int i = 0; i < ready; ++i) static_cast<Client*>(events[i].data.ptr)->on_ready();
    if (!reopen.empty()) {
      std::vector<Client*> again;
      again.swap(reopen);
      for (Client* client : again) client->open();
    }
  }
}

void Load::run() {
  std::getchar();
  for (int i = 0; i < options.connections; ++i) {
    clients_.push_back(std::make_unique<Client>(*this, i));
    clients_.back()->open();
    if (i % 64 == 63) turn_until(Clock::now() + std::chrono::milliseconds(1));
  }
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  if (options.mode != "open") {
    while (counters.opened < static_cast<uint64_t>(options.connections)) {
      if (Clock::now() > deadline) {
        std::fprintf(stderr, "load: only %llu connections opened\n",
                     static_cast<unsigned long long>(counters.opened));
        std::exit(1);
      }
      turn_until(Clock::now() + std::chrono::milliseconds(5));
    }
    if (options.mode == "echo") {
      for (auto& client : clients_) client->send(static_cast<size_t>(options.flight));
    } else if (options.mode == "broadcast") {
      for (int i = 0; i < options.topics; ++i) {
        clients_[static_cast<size_t>(i)]->send(static_cast<size_t>(options.flight));
      }
    }
  }
  std::printf("ready\n");
  std::fflush(stdout);
  turn_until(Clock::now() + std::chrono::milliseconds(options.warm));
  std::printf("begin\n");
  std::fflush(stdout);
  measuring = true;
  const Counters before = counters;
  rusage usage_before{};
  getrusage(RUSAGE_SELF, &usage_before);
  const auto start = Clock::now();
  turn_until(start + std::chrono::milliseconds(options.measure));
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto cpu = [](const rusage& u) {
    return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
  };
  auto& latencies = counters.latencies;
  double median = 0;
  if (!latencies.empty()) {
    std::nth_element(latencies.begin(), latencies.begin() + latencies.size() / 2, latencies.end());
    median = latencies[latencies.size() / 2] / 1000.0;
  }
  std::printf(
      "{\"messages\":%llu,\"opened\":%llu,\"failed\":%llu,\"seconds\":%.4f,"
      "\"clientCpuSeconds\":%.4f,\"latencyMedian\":%.2f}\n",
      static_cast<unsigned long long>(counters.messages - before.messages),
      static_cast<unsigned long long>(counters.opened - before.opened),
      static_cast<unsigned long long>(counters.failed - before.failed), seconds,
      cpu(usage) - cpu(usage_before), median);
  std::fflush(stdout);
  for (;;) pause();
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atoi(argv[++i]) : 0; };
    if (name == "--port")
      options.port = number();
    else if (name == "--connections")
      options.connections = number();
    else if (name == "--flight")
      options.flight = number();
    else if (name == "--size")
      options.size = static_cast<size_t>(number());
    else if (name == "--warm")
      options.warm = number();
    else if (name == "--measure")
      options.measure = number();
    else if (name == "--topics")
      options.topics = number();
    else if (name == "--every")
      options.every = number();
    else if (name == "--socketio")
      options.socketio = true;
    else if (name == "--tls")
      options.tls = true;
    else if (name == "--text")
      options.text = true;
    else if (name == "--deflate")
      options.deflate = true;
    else if (name == "--mode" && i + 1 < argc)
      options.mode = argv[++i];
    else {
      std::fprintf(stderr, "load: unknown option %s\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  // As many descriptors as there may be.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Load load(parse(argc, argv));
  load.run();
}
