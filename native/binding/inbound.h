#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "engine/inbox.h"

namespace vws {

// Turns a batch of the engine's into what JavaScript takes: numbers in the record table, one ArrayBuffer
// for all small payload, and an array of everything else. JavaScript thread.
class InboundBatch {
 public:
  InboundBatch(napi_env env, Batch& batch) : env_(env), batch_(batch) {}

  // Fills the table, of so many records, with the batch's from first on; returns how many.
  size_t fill(int32_t* table, size_t capacity, size_t first);
  // What the records just filled in refer to, and in *parts which of it there is (Parts): for one part
  // itself, without an array around it, since most batches of a quiet connection hold one message.
  napi_value result(int32_t* parts);

  enum Parts : int32_t { kNothing = 0, kSlab = 1, kValues = 2, kBoth = kSlab | kValues };

 private:
  int32_t add(napi_value value);
  int32_t closed(const ClosedValue& value);
  napi_value slab();
  napi_value text(const uint8_t* data, size_t n, bool ascii);
  napi_value bytes(const std::string& data);
  napi_value block(Block& block);
  napi_value block_text(Block& block, bool ascii);
  void tell_collector();
  napi_value value(Value& value);

  napi_env env_;
  Batch& batch_;
  napi_value values_ = nullptr;
  uint32_t value_count_ = 0;
  bool needs_slab_ = false;
};

}  // namespace vws
