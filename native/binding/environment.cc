#include "binding/environment.h"

#include <utility>

#include "binding/inbound.h"

namespace vws {

Environment::Environment(napi_env env) : env_for_hook_(env) {
  napi_add_env_cleanup_hook(env, &Environment::on_cleanup, this);
}

Environment::~Environment() {
  if (env_for_hook_) napi_remove_env_cleanup_hook(env_for_hook_, &Environment::on_cleanup, this);
}

Environment* Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

bool Environment::start(Napi::Env env, Napi::Int32Array table, Napi::Function on_ready,
                        const EngineSettings& settings) {
  if (engine_) {
    Napi::Error::New(env, "the engine was started already").ThrowAsJavaScriptException();
    return false;
  }
  const napi_value name = Napi::String::New(env, "verawebsockets");
  if (napi_create_threadsafe_function(env, on_ready, nullptr, name, 0, 1, nullptr, nullptr, this,
                                      &Environment::call_js, &ready_) != napi_ok) {
    Napi::Error::New(env, "cannot create the way back to JavaScript").ThrowAsJavaScriptException();
    return false;
  }
  // Connections keep the process alive (set_ref), the engine alone does not.
  napi_unref_threadsafe_function(env, ready_);
  // Cleanup hooks run in reverse: ours has to come before that of the function just made.
  napi_remove_env_cleanup_hook(env, &Environment::on_cleanup, this);
  napi_add_env_cleanup_hook(env, &Environment::on_cleanup, this);

  table_ = Napi::Persistent(table);
  records_ = table.Data();
  capacity_ = (table.ElementLength() - 2) / 4;
  engine_ = std::make_unique<Engine>(settings, [this] { notify(); });
  if (!engine_->ok()) {
    close();  // so that another call may succeed
    Napi::Error error = Napi::Error::New(
        env, "the engine could not be started: no memory, descriptors or threads left");
    error.Set("code", Napi::String::New(env, "ERR_ENGINE_START"));
    error.ThrowAsJavaScriptException();
    return false;
  }
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
  UvDriver::Callbacks callbacks;
  callbacks.due = [this] { turn_on_loop(); };
  if (mode_ == ServiceMode::kAdaptive) {
    callbacks.woke = [this] { engine_->turns().woke(); };
    callbacks.sleeps = [this] { engine_->turns().sleeps(); };
  }
  driver_ = UvDriver::create(env, engine_->backend_fd(), std::move(callbacks), problem);
  if (!driver_) return false;
  context_ = std::make_unique<Napi::AsyncContext>(env, "verawebsockets");
  if (mode_ == ServiceMode::kLoop) {
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
  plan_turn();
}

// From libuv: no scope is open.
void Environment::turn_on_loop() {
  turning_ = true;
  engine_->turn();
  turning_ = false;
  if (notified_) {
    notified_ = false;
    const Napi::Env env = on_ready_.Env();
    const Napi::HandleScope handles(env);
    const Napi::CallbackScope callbacks(env, *context_);
    deliver(env, on_ready_.Value());
  }
  if (engine_) plan_turn();
}

void Environment::plan_turn() {
  const bool ours = engine_->consumer_runs();
  driver_->watch(ours);
  driver_->set_timer(ours ? engine_->until_next_turn().count() : -1);
}

void Environment::flush() {
  engine_->flush();
  // A send may have started a timer, or left something to write.
  if (driver_ && driver_->watching() && !turning_) plan_turn();
}

Engine* Environment::engine(napi_env env) {
  if (!engine_) napi_throw_error(env, "ERR_ENGINE_START", "the engine is not running");
  return engine_.get();
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
  batch_ = Batch();
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
  if (driver_ && mode_ == ServiceMode::kLoop) driver_->set_ref(ref);
  if (!ready_) return;
  if (ref) {
    napi_ref_threadsafe_function(env, ready_);
  } else {
    napi_unref_threadsafe_function(env, ready_);
  }
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

int32_t Environment::add_tls(std::shared_ptr<const TlsConfig> config) {
  tls_.emplace(++next_tls_, std::move(config));
  return next_tls_;
}

std::shared_ptr<const TlsConfig> Environment::tls(int32_t id) const {
  const auto found = tls_.find(id);
  return found == tls_.end() ? nullptr : found->second;
}

}  // namespace vws
