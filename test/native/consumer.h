// A consumer of the engine, as the binding is one.

#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.h"

#if defined(__SANITIZE_THREAD__)
// The engine's log level is a plain global that it reads on every thread; it offers no other way to set
// it than to write it.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:lws_set_log_level\nrace:lwsl_visible\nrace:_lws_log\n";
}
#endif

namespace vws::test {

inline ConnectionOptions options_for(uint16_t port) {
  ConnectionOptions options;
  options.socket.host = "127.0.0.1";
  options.socket.port = port;
  options.request.host = "127.0.0.1";
  options.request.host_header = "localhost";
  options.handshake_timeout = Milliseconds(20000);
  options.close_timeout = Milliseconds(2000);
  return options;
}

// What a consumer sees of one connection.
struct Seen {
  bool established = false;
  bool ended = false;
  int32_t close_code = 0;
  std::string failure_code;
  std::string failure_reason;
  std::string detail;  // of the failure, or of the end
  std::vector<std::string> messages;
  int drains = 0;
  int flushes = 0;
  // Publications, and bytes of them.
  size_t dropped = 0;
  size_t dropped_bytes = 0;
  // Of one over a stream.
  std::string stream;
  bool stream_ended = false;
  int stream_drains = 0;
};

class Consumer {
 public:
  explicit Consumer(ServiceMode mode = ServiceMode::kAdaptive) : Consumer(settings(mode)) {}
  explicit Consumer(const EngineSettings& settings)
      : engine(settings, [this] {
          ++notified;
          if (on_notify) on_notify();
        }) {}

  static EngineSettings settings(ServiceMode mode) {
    EngineSettings made;
    made.mode = mode;
    made.trim_interval = Milliseconds(10);
    return made;
  }

  int32_t connect(uint16_t port) { return engine.connect(options_for(port), Sender::Limits()); }

  SendResult send(int32_t id, const std::string& text, uint8_t opcode = kText) {
    SendOptions options;
    options.opcode = opcode;
    const SendResult result = engine.sender(id)->send(reinterpret_cast<const uint8_t*>(text.data()),
                                                      text.size(), options);
    engine.touch(id);
    return result;
  }

  // Takes records until done says so, or 20 s have passed.
  template <typename Done>
  bool until(Done done) {
    const TimePoint end = Clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (Clock::now() > end) return false;
      engine.flush();
      if (!engine.wait(50)) continue;
      drain();
    }
    return true;
  }

  // Takes what there is.
  void drain() {
    Batch batch;
    while (engine.take(batch)) note(batch);
  }

  Seen& of(int32_t id) { return seen[id]; }

  // Requests that wait for a decision, in the order in which they came.
  struct Request {
    int32_t id;
    RequestValue value;
  };

  std::atomic<int> notified{0};
  std::function<void()> on_notify;  // to be set while nothing can be told
  Engine engine;
  std::map<int32_t, Seen> seen;
  std::vector<Request> requests;

 private:
  void note(Batch& batch) {
    for (const Record& record : batch.records) {
      Seen& one = seen[record.connection];
      const auto bytes = [&record](const Block& slab) {
        return std::string(reinterpret_cast<const char*>(slab.data()) + record.a,
                           static_cast<size_t>(record.b));
      };
      switch (record.kind) {
        case Kind::kEstablished:
          one.established = true;
          break;
        case Kind::kReceive:
          one.messages.push_back(bytes(batch.slab));
          break;
        case Kind::kReceiveAscii:
        case Kind::kReceiveText:
          one.messages.push_back(bytes(batch.text));
          break;
        case Kind::kReceiveLarge:
        case Kind::kReceiveTextBlock:
        case Kind::kReceiveAsciiBlock: {
          const Block& block = std::get<Block>(batch.values[static_cast<size_t>(record.a)]);
          one.messages.emplace_back(reinterpret_cast<const char*>(block.data()), block.size());
          break;
        }
        case Kind::kRequest:
          one = Seen();
          requests.push_back(
              {record.connection, std::move(*std::get<Boxed<RequestValue>>(
                                      batch.values[static_cast<size_t>(record.a)]))});
          break;
        case Kind::kStreamData: {
          const auto& sent = std::get<std::string>(batch.values[static_cast<size_t>(record.a)]);
          one.stream += sent;
          break;
        }
        case Kind::kStreamEnd:
          one.stream_ended = true;
          break;
        case Kind::kStreamDrain:
          ++one.stream_drains;
          break;
        case Kind::kWriteable:
          ++one.drains;
          break;
        case Kind::kFlushed:
          ++one.flushes;
          break;
        case Kind::kDropped:
          one.dropped += static_cast<size_t>(record.a);
          one.dropped_bytes += static_cast<size_t>(record.b);
          break;
        case Kind::kPeerInitiatedClose:
          // As JavaScript does.
          engine.close(record.connection, static_cast<uint16_t>(record.a == 1005 ? 0 : record.a),
                       {});
          break;
        case Kind::kProtocolError: {
          const auto& value =
              std::get<Boxed<FailureValue>>(batch.values[static_cast<size_t>(record.a)]);
          engine.close(record.connection, value->failure.close_code, {});
          break;
        }
        case Kind::kClosed:
          one.ended = true;
          one.close_code = record.a;
          one.detail =
              std::get<Boxed<ClosedValue>>(batch.values[static_cast<size_t>(record.b)])->detail;
          break;
        case Kind::kConnectionError: {
          const FailureValue& value =
              *std::get<Boxed<FailureValue>>(batch.values[static_cast<size_t>(record.a)]);
          one.ended = true;
          one.failure_code = value.failure.code;
          one.failure_reason = value.failure.reason;
          one.detail = value.failure.detail;
          break;
        }
        default:
          break;
      }
    }
  }
};

}  // namespace vws::test
