#include "binding/environment.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "binding/inbound.h"

namespace vws {

namespace {

// How long turns may follow each other before the rest of Node's loop has its turn.
constexpr std::chrono::microseconds kLongestStay{500};

// A copy of the library that was loaded again (by a test runner, by hot reloading) has an environment of its own, and
// nobody says when one is no longer used. All of this thread.
std::vector<Environment*>& environments_here() {
  thread_local std::vector<Environment*> environments;
  return environments;
}

}  // namespace

Environment::Environment(napi_env env) : env_for_hook_(env) {
  napi_add_env_cleanup_hook(env, &Environment::on_cleanup, this);
  environments_here().push_back(this);
}

Environment::~Environment() {
  std::vector<Environment*>& here = environments_here();
  here.erase(std::remove(here.begin(), here.end(), this), here.end());
  if (env_for_hook_) napi_remove_env_cleanup_hook(env_for_hook_, &Environment::on_cleanup, this);
}

Environment* Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

bool Environment::start(Napi::Env env, Napi::Int32Array table, Napi::Function on_ready,
                        EngineSettings settings) {
  // The last engine's thread may still be about to end.
  close();
  // A copy that is out of use would keep its thread and descriptors for a while: this one takes its place.
  for (Environment* other : environments_here()) {
    if (other != this && (other->ending_ || other->is_idle())) other->close();
  }
  const napi_value name = Napi::String::New(env, "verawebsockets");
  if (napi_create_threadsafe_function(env, on_ready, nullptr, name, 0, 1, nullptr, nullptr, this,
                                      &Environment::call_js, &ready_) != napi_ok) {
    Napi::Error::New(env, "cannot create the way back to JavaScript").ThrowAsJavaScriptException();
    return false;
  }
  // Connections keep the process alive (set_ref), the engine alone does not.
  if (!referenced_) napi_unref_threadsafe_function(env, ready_);
  // Cleanup hooks run in reverse: ours has to come before that of the function just made.
  napi_remove_env_cleanup_hook(env, &Environment::on_cleanup, this);
  napi_add_env_cleanup_hook(env, &Environment::on_cleanup, this);

  table_ = Napi::Persistent(table);
  records_ = table.Data();
  capacity_ = (table.ElementLength() - 2) / 4;
  // Both fail while the environment is going down, when nobody waits for it.
  settings.idle = [this] { napi_call_threadsafe_function(ready_, &idle_, napi_tsfn_nonblocking); };
  settings.stopped = [this] {
    napi_call_threadsafe_function(ready_, &stopped_, napi_tsfn_nonblocking);
  };
  engine_ = std::make_unique<Engine>(settings, [this] { notify(); });
  if (!engine_->ok()) {
    close();  // so that another call may succeed
    Napi::Error error = Napi::Error::New(
        env,
        "the engine could not be started: no memory, descriptors, threads or random numbers left");
    error.Set("code", Napi::String::New(env, "ERR_ENGINE_START"));
    error.ThrowAsJavaScriptException();
    return false;
  }
  if (log_levels_ != 0) engine_->set_log(log_levels_, false);
  mode_ = settings.mode;
  if (mode_ == ServiceMode::kThread) return true;
  on_ready_ = Napi::Persistent(on_ready);
  const char* problem = nullptr;
  // Without libuv 'adaptive' leaves all to the thread.
  if (drive(env, &problem) || mode_ == ServiceMode::kAdaptive) return true;
  close();
  Napi::Error error = Napi::Error::New(env, problem);
  error.Set("code", Napi::String::New(env, "ERR_FEATURE_UNAVAILABLE"));
  error.ThrowAsJavaScriptException();
  return false;
}

// Lets Node's loop run turns.
bool Environment::drive(Napi::Env env, const char** problem) {
  driver_ = UvDriver::create(
      env, engine_->poller(), [this] { turn_on_loop(); }, problem);
  if (!driver_) return false;
  context_ = std::make_unique<Napi::AsyncContext>(env, "verawebsockets");
  if (mode_ == ServiceMode::kLoop) {
    driver_->set_ref(referenced_);
    driver_->watch(true);
  } else {
    // Fails while the environment is going down, when nobody takes anything over any more.
    engine_->turns().offer(
        [this] { napi_call_threadsafe_function(ready_, &take_turns_, napi_tsfn_nonblocking); });
  }
  return true;
}

// The thread has asked to be relieved.
void Environment::take_turns() {
  if (!driver_ || !engine_->turns().take()) return;
  driver_->watch(true);
}

// From libuv: no scope is open.
void Environment::turn_on_loop() {
  // A handler may have Node's loop run inside a turn.
  const bool within = std::exchange(on_loop_, true);
  const TimePoint began = Clock::now();
  // What follows at once is waited for here: to go round Node's loop for it means to sleep and to be woken up.
  while (turn_once() && Clock::now() - began < kLongestStay && !driver_->others_wait() &&
         engine_->answer_comes()) {
  }
  on_loop_ = within;
  if (engine_ && driver_) driver_->watch(engine_->consumer_runs());
}

// Whether JavaScript was told something, and the engine is still there to go on.
bool Environment::turn_once() {
  turning_ = true;
  engine_->turn();
  turning_ = false;
  if (!notified_) return false;
  notified_ = false;
  {
    const Napi::Env env = on_ready_.Env();
    const Napi::HandleScope handles(env);
    const Napi::CallbackScope callbacks(env, *context_);
    deliver(env, on_ready_.Value());
  }
  return engine_ && driver_;
}

void Environment::flush() {
  engine_->flush();
  // So much may have been sent that the thread has taken over.
  if (driver_ && driver_->watching() && !turning_) driver_->watch(engine_->consumer_runs());
}

void Environment::release(int32_t id) {
  if (!engine_) return;
  engine_->release(id);
  on_kept_reason_gone();
}

void Environment::unlisten(int32_t listener) {
  if (!engine_) return;
  engine_->unlisten(listener);
}

void Environment::release_listener(int32_t listener) {
  if (!engine_) return;
  engine_->release_listener(listener);
  on_kept_reason_gone();
}

void Environment::set_log(int levels, bool to_stderr) {
  if (!to_stderr || levels == 0) {
    log_to_stderr_.reset();
  } else {
    if (!log_to_stderr_) log_to_stderr_ = std::make_unique<Log>([] {});
    log_to_stderr_->set_levels(levels, true);
  }
  log_levels_ = to_stderr ? 0 : levels;
  if (!engine_) return;
  engine_->set_log(log_levels_, false);
  on_kept_reason_gone();
}

bool Environment::write_log(int level, const std::string& line) {
  if (!engine_) {
    Log::write(level, line);
    return false;
  }
  engine_->write_log_elsewhere(level, line);
  return (log_levels_ & level) != 0;
}

// ---- An engine without connections gives back its thread and its descriptors

// Whether the engine can be ended and nobody would notice.
bool Environment::is_idle() {
  // Something is under way that will connect; or a function waits for lines, which come from other threads as well.
  // Nor may it go in a callback of the loop that it is driven by.
  if (!engine_ || referenced_ || log_levels_ != 0 || on_loop_) return false;
  return !has_rest() && engine_->is_idle();
}

// There has been no connection for a while.
void Environment::on_idle() {
  if (!engine_ || ending_) return;
  if (!is_idle()) {
    kept_idle_ = true;
    on_kept_reason_gone();
    return;
  }
  // Its thread ends by itself, so that this one need not wait.
  driver_.reset();
  ending_ = engine_->begin_end();
  if (!ending_) close();
}

// Another look later, where there is no connection and no reason to keep the engine that will be told.
void Environment::on_kept_reason_gone() {
  if (!kept_idle_ || referenced_ || log_levels_ != 0 || !engine_->has_no_connections()) return;
  kept_idle_ = false;
  engine_->watch_idle_again();
}

void Environment::on_cleanup(void* self) {
  auto* environment = static_cast<Environment*>(self);
  environment->env_for_hook_ = nullptr;
  environment->close();
}

void Environment::close() {
  context_.reset();
  on_ready_.Reset();
  driver_.reset();
  // Joins the service thread: nobody calls notify() after this.
  engine_.reset();
  if (ready_) napi_release_threadsafe_function(std::exchange(ready_, nullptr), napi_tsfn_abort);
  table_.Reset();
  records_ = nullptr;
  batch_ = Batch();
  batch_next_ = 0;
  ending_ = false;
  kept_idle_ = false;
}

// The service thread, or inside a turn on Node's loop.
void Environment::notify() {
  if (std::this_thread::get_id() == thread_ && turning_) {
    notified_ = true;
    return;
  }
  // Fails while the environment is going down, when nobody will take anything any more.
  napi_call_threadsafe_function(ready_, nullptr, napi_tsfn_nonblocking);
}

void Environment::call_js(napi_env env, napi_value callback, void* self, void* data) {
  if (!env || !callback) return;  // the environment is going down
  auto* environment = static_cast<Environment*>(self);
  if (data == &environment->take_turns_) {
    environment->take_turns();
  } else if (data == &environment->idle_) {
    environment->on_idle();
  } else if (data == &environment->stopped_) {
    if (environment->ending_) environment->close();
  } else {
    environment->deliver(env, callback);
  }
}

void Environment::deliver(napi_env env, napi_value callback) {
  napi_value undefined;
  if (napi_get_undefined(env, &undefined) != napi_ok) return;
  const napi_status status = napi_call_function(env, undefined, callback, 0, nullptr, nullptr);
  if (status != napi_pending_exception) return;
  // What a handler threw is an uncaught exception, as from any callback of Node's own. None is pending if
  // the environment is being stopped.
  bool pending = false;
  napi_value error;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
}

void Environment::set_ref(napi_env env, bool ref) {
  referenced_ = ref;
  if (driver_ && mode_ == ServiceMode::kLoop) driver_->set_ref(ref);
  if (!ready_) return;
  if (ref) {
    napi_ref_threadsafe_function(env, ready_);
  } else {
    napi_unref_threadsafe_function(env, ready_);
  }
  on_kept_reason_gone();
}

napi_value Environment::take(napi_env env) {
  if (batch_next_ == batch_.records.size()) {
    batch_ = Batch();
    batch_next_ = 0;
    if (!engine_->take(batch_)) return nullptr;
  }
  InboundBatch inbound(env, batch_);
  const size_t count = inbound.fill(records_, capacity_, batch_next_);
  batch_next_ += count;
  int32_t* const head = records_ + 4 * capacity_;
  head[0] = static_cast<int32_t>(count);
  return inbound.result(&head[1]);
}

ConnectTarget Environment::target(const Napi::Object& options, double number) {
  if (number == 0) return read_connect_options(options, *this);
  if (number != last_target_number_) {
    last_target_ = read_connect_options(options, *this);
    last_target_number_ = number;
  }
  return last_target_;
}

AcceptTarget Environment::accept_target(const Napi::Object& options) {
  if (last_accept_options_.IsEmpty() || !last_accept_options_.Value().StrictEquals(options)) {
    last_accept_ = read_accept_options(options);
    last_accept_options_ = Napi::Persistent(options);
  }
  return last_accept_;
}

int32_t Environment::add_tls(std::shared_ptr<const TlsConfig> config) {
  tls_.emplace(++next_tls_, std::move(config));
  return next_tls_;
}

std::shared_ptr<const TlsConfig> Environment::tls(int32_t id) const {
  const auto found = tls_.find(id);
  return found == tls_.end() ? nullptr : found->second;
}

int32_t Environment::add_server_tls(std::shared_ptr<const ServerTls> tls) {
  server_tls_.emplace(++next_tls_, std::move(tls));
  return next_tls_;
}

std::shared_ptr<const ServerTls> Environment::server_tls(int32_t id) const {
  const auto found = server_tls_.find(id);
  return found == server_tls_.end() ? nullptr : found->second;
}

}  // namespace vws
