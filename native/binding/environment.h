#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "binding/options.h"
#include "binding/uv_driver.h"
#include "engine/engine.h"
#include "engine/tls/tls_config.h"

namespace vws {

// What one JavaScript environment (the main thread, a worker) has: its engine, and the way back to its
// thread. The environment's cleanup hook ends it, at whatever stage. Everything runs on the JavaScript
// thread but notify().
class Environment {
 public:
  explicit Environment(napi_env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // The environment of a call; set as instance data when the addon is loaded.
  static Environment* of(napi_env env);

  // Whether the engine runs, and will. Where it does not, start() comes before connecting: an engine without
  // connections is ended after a while.
  bool is_running() const { return engine_ && !ending_; }
  // Starts the engine. False with a pending exception if it cannot be started.
  bool start(Napi::Env env, Napi::Int32Array table, Napi::Function on_ready,
             EngineSettings settings);
  // Null before start(), and when the engine has been ended: then there is no connection.
  Engine* engine() { return engine_.get(); }

  void set_ref(napi_env env, bool ref);
  void release(int32_t id);
  void unlisten(int32_t listener);
  void release_listener(int32_t listener);
  void set_log(int levels, bool to_stderr);
  // True if JavaScript wants the line, which it does not get from here.
  bool write_log(int level, const std::string& line);
  // Hands what was sent to the engine.
  void flush();

  // See NativeAddon.take(). Null if there is nothing.
  napi_value take(napi_env env);
  // Whether a batch was taken in part.
  bool has_rest() const { return batch_next_ < batch_.records.size(); }

  // What connect() is asked for, read from the object unless the number before was the same (NativeAddon.connect()).
  ConnectTarget target(const Napi::Object& options, double number);

  // What accept() and adopt() are asked for, read from the object unless it is the same as before.
  AcceptTarget accept_target(const Napi::Object& options);

  // Trusted by the configurations made from now on, where they have no others.
  void set_roots(RootsPtr roots) { roots_ = std::move(roots); }
  const RootsPtr& roots() const { return roots_; }
  int32_t add_tls(std::shared_ptr<const TlsConfig> config);
  void remove_tls(int32_t id) { tls_.erase(id); }
  std::shared_ptr<const TlsConfig> tls(int32_t id) const;

  int32_t add_server_tls(std::shared_ptr<const ServerTls> tls);
  void remove_server_tls(int32_t id) { server_tls_.erase(id); }
  std::shared_ptr<const ServerTls> server_tls(int32_t id) const;

 private:
  static void on_cleanup(void* self);
  static void call_js(napi_env env, napi_value callback, void* self, void* data);
  void notify();
  bool drive(Napi::Env env, const char** problem);
  void take_turns();
  void turn_on_loop();
  bool turn_once();
  void deliver(napi_env env, napi_value callback);
  bool is_idle();
  void on_idle();
  void on_kept_reason_gone();
  void close();

  napi_env env_for_hook_ = nullptr;  // only to take the hook back
  std::unique_ptr<Engine> engine_;
  napi_threadsafe_function ready_ = nullptr;
  const std::thread::id thread_ = std::this_thread::get_id();
  ServiceMode mode_ = ServiceMode::kThread;
  // Where turns run on Node's loop: always ('loop'), or while there is little to do ('adaptive').
  std::unique_ptr<UvDriver> driver_;
  Napi::FunctionReference on_ready_;
  std::unique_ptr<Napi::AsyncContext> context_;
  // Of the JavaScript thread's alone, though notify() may run on either.
  bool on_loop_ = false;   // inside turn_on_loop()
  bool turning_ = false;   // the same, but not while JavaScript gets what the turn has brought
  bool notified_ = false;  // meanwhile
  // Their addresses are messages to call_js().
  char take_turns_ = 0;
  char idle_ = 0;
  char stopped_ = 0;
  // Whether connections keep the process alive.
  bool referenced_ = false;
  // Lines are wanted on stderr, whether or not the engine runs.
  std::unique_ptr<Log> log_to_stderr_;
  // Levels whose lines JavaScript wants.
  int log_levels_ = 0;
  // The engine had no connection for a while, and was kept for another reason.
  bool kept_idle_ = false;
  // The engine's thread was asked to end.
  bool ending_ = false;
  Napi::Reference<Napi::Int32Array> table_;
  int32_t* records_ = nullptr;  // of table_
  size_t capacity_ = 0;         // records that fit before the two numbers at its end
  Batch batch_;                 // being handed over
  size_t batch_next_ = 0;
  ConnectTarget last_target_;
  double last_target_number_ = 0;
  AcceptTarget last_accept_;
  Napi::ObjectReference last_accept_options_;
  RootsPtr roots_;
  std::unordered_map<int32_t, std::shared_ptr<const TlsConfig>> tls_;
  std::unordered_map<int32_t, std::shared_ptr<const ServerTls>> server_tls_;
  int32_t next_tls_ = 0;
};

}  // namespace vws
