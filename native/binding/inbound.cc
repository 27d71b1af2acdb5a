#include "binding/inbound.h"

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "binding/values.h"
#include "engine/ws/tuning.h"
#include "engine/ws/utf8.h"

namespace vws {

namespace {

// A text in UTF-16 while it becomes a string; kept, so that a burst of texts allocates once. Larger ones
// are given back.
constexpr size_t kKeptScratch = 256 * 1024;
thread_local std::vector<char16_t> utf16_scratch;

void give_back_block(napi_env, void* data, void* capacity) {
  Block::adopt(static_cast<uint8_t*>(data), reinterpret_cast<size_t>(capacity));
}

}  // namespace

int32_t InboundBatch::add(napi_value value) {
  if (!values_) napi_create_array(env_, &values_);
  napi_set_element(env_, values_, value_count_, value);
  return static_cast<int32_t>(value_count_++);
}

// No object for an end with nothing to tell, as terminate() makes it.
int32_t InboundBatch::closed(const ClosedValue& value) {
  const bool plain =
      !value.clean && value.reason.empty() && value.detail.empty() && value.excess == Excess::kNone;
  return plain ? -1 : add(to_js(env_, value));
}

size_t InboundBatch::fill(int32_t* table, size_t capacity, size_t first) {
  const size_t count = std::min(capacity, batch_.records.size() - first);
  for (size_t i = 0; i < count; ++i) {
    const Record& record = batch_.records[first + i];
    int32_t* row = table + 4 * i;
    Kind kind = record.kind;
    int32_t a = record.a;
    int32_t b = record.b;
    switch (record.kind) {
      case Kind::kReceive:
      case Kind::kReceiveTextBytes:
      case Kind::kBody:
        needs_slab_ = true;
        break;
      case Kind::kReceiveAscii:
      case Kind::kReceiveText:
        a = add(text(batch_.text.data() + record.a, static_cast<size_t>(record.b),
                     record.kind == Kind::kReceiveAscii));
        kind = Kind::kReceiveText;
        break;
      case Kind::kReceiveAsciiBlock:
      case Kind::kReceiveTextBlock:
        a = add(block_text(std::get<Block>(batch_.values[static_cast<size_t>(record.a)]),
                           record.kind == Kind::kReceiveAsciiBlock));
        kind = Kind::kReceiveText;
        break;
      case Kind::kFlushed:
      case Kind::kWriteable:
      case Kind::kStreamEnd:
      case Kind::kStreamDrain:
      case Kind::kDropped:
        break;
      // The value is in b, for these; in a for all others.
      case Kind::kClosed:
        b = closed(*std::get<Boxed<ClosedValue>>(batch_.values[static_cast<size_t>(record.b)]));
        break;
      case Kind::kPeerInitiatedClose:
      case Kind::kLog:
        b = add(value(batch_.values[static_cast<size_t>(record.b)]));
        break;
      default:
        a = add(value(batch_.values[static_cast<size_t>(record.a)]));
        break;
    }
    row[0] = record.connection;
    row[1] = static_cast<int32_t>(kind);
    row[2] = a;
    row[3] = b;
  }
  return count;
}

napi_value InboundBatch::result(int32_t* parts) {
  *parts = (needs_slab_ ? kSlab : kNothing) | (values_ ? kValues : kNothing);
  napi_value result = nullptr;
  switch (*parts) {
    case kBoth:
      napi_create_array_with_length(env_, 2, &result);
      napi_set_element(env_, result, 0, slab());
      napi_set_element(env_, result, 1, values_);
      return result;
    case kSlab:
      return slab();
    case kValues:
      return values_;
    default:
      napi_get_null(env_, &result);
      return result;
  }
}

napi_value InboundBatch::slab() {
  napi_value buffer;
  void* data = nullptr;
  const size_t size = batch_.slab.size();
  napi_create_arraybuffer(env_, size, &data, &buffer);
  if (size && data) memcpy(data, batch_.slab.data(), size);
  return buffer;
}

napi_value InboundBatch::text(const uint8_t* data, size_t n, bool ascii) {
  napi_value string = nullptr;
  if (ascii && tuning().strings) {
    napi_create_string_latin1(env_, reinterpret_cast<const char*>(data), n, &string);
    return string;
  }
  // With skipUtf8Validation anything may have come; V8 puts U+FFFD where it is wrong.
  if (!tuning().strings || classify_utf8(data, n) == Utf8Class::kInvalid) {
    napi_create_string_utf8(env_, reinterpret_cast<const char*>(data), n, &string);
    return string;
  }
  if (utf16_scratch.size() < n) utf16_scratch.resize(n);
  const size_t units = utf8_to_utf16(data, n, utf16_scratch.data());
  napi_create_string_utf16(env_, utf16_scratch.data(), units, &string);
  if (utf16_scratch.size() > kKeptScratch) std::vector<char16_t>().swap(utf16_scratch);
  return string;
}

napi_value InboundBatch::bytes(const std::string& data) {
  napi_value buffer;
  napi_create_buffer_copy(env_, data.size(), data.data(), nullptr, &buffer);
  return buffer;
}

// The block's memory becomes the ArrayBuffer's, where the runtime lets it.
napi_value InboundBatch::block(Block& block) {
  napi_value buffer = nullptr;
  const size_t size = block.size();
  const size_t capacity = block.capacity();
  uint8_t* data = block.detach();
  const napi_status status = tuning().external ? napi_create_external_arraybuffer(
                                                     env_, data, size, &give_back_block,
                                                     reinterpret_cast<void*>(capacity), &buffer)
                                               : napi_no_external_buffers_allowed;
  if (status == napi_ok) {
    tell_collector();
    return buffer;
  }
  // napi_no_external_buffers_allowed: Electron, and runtimes built with pointer compression.
  Block taken_back = Block::adopt(data, capacity);
  void* copy = nullptr;
  napi_create_arraybuffer(env_, size, &copy, &buffer);
  if (copy) memcpy(copy, taken_back.data(), size);
  return buffer;
}

// V8 weighs the external memory of its young generation only when it allocates some of its own. Without
// that, dead blocks pile up until their sheer size brings on a full collection, many times a second and
// milliseconds long; with it, the quick collections of the young generation give them back.
void InboundBatch::tell_collector() {
  napi_value unused;
  void* data = nullptr;
  napi_create_arraybuffer(env_, 1, &data, &unused);
}

napi_value InboundBatch::block_text(Block& block, bool ascii) {
  const napi_value string = text(block.data(), block.size(), ascii);
  block.reset();
  return string;
}

napi_value InboundBatch::value(Value& value) {
  return std::visit(
      [this](auto& held) -> napi_value {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return bytes(held);
        } else if constexpr (std::is_same_v<T, Block>) {
          return block(held);
        } else if constexpr (std::is_same_v<T, TextValue>) {
          return to_js(env_, held);
        } else {
          return to_js(env_, *held);
        }
      },
      value);
}

}  // namespace vws
