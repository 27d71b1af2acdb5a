#include "engine/publication.h"

#include <cstring>
#include <utility>

namespace vws {

namespace {

SharedBytes frame_of(Block block, size_t size, FrameHead head) {
  const size_t header = frame_header_size(size, false);
  const size_t begin = Publication::kHeaderRoom - header;
  frame_header(block.data() + begin, head.opcode, head.fin, head.rsv1, size, nullptr);
  return SharedBytes(std::move(block), begin);
}

}  // namespace

Publication::Publication(Block payload, Opcode opcode, bool may_compress)
    : size_(payload.size() - kHeaderRoom),
      opcode_(opcode),
      may_compress_(may_compress),
      plain_(frame_of(std::move(payload), size_, {opcode, true, false})) {}

const SharedBytes* Publication::compressed(DeflatePool& pool, const DeflateParameters& parameters) {
  for (const Version& version : versions_) {
    if (version.parameters == parameters) return &version.frame;
  }
  Deflater deflater(pool, parameters.window_bits, true, parameters.level, parameters.mem_level);
  const uint8_t* const payload = plain_.data() + (plain_.size() - size_);
  Deflater::Output output;
  if (!deflater.compress(payload, size_, true, &output)) return nullptr;
  Block block = BlockPool::shared().take(kHeaderRoom + output.size);
  if (!block) return nullptr;
  std::memcpy(block.data() + kHeaderRoom, output.data, output.size);
  block.set_size(kHeaderRoom + output.size);
  versions_.push_back({parameters, frame_of(std::move(block), output.size, {opcode_, true, true})});
  return &versions_.back().frame;
}

}  // namespace vws
