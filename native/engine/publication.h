#pragma once

#include <cstddef>
#include <vector>

#include "engine/ws/block_pool.h"
#include "engine/ws/deflate.h"
#include "engine/ws/frame_writer.h"
#include "engine/ws/shared_bytes.h"

namespace vws {

// A message for many of a server's connections: framed once, and compressed once for each set of parameters that
// they have. Belongs to the thread that holds the service, once it is made.
class Publication {
 public:
  // Bytes before the payload that the header may take up.
  static constexpr size_t kHeaderRoom = kMaxFrameHeader;

  // payload: from kHeaderRoom on to the block's size().
  Publication(Block payload, Opcode opcode, bool may_compress);
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  // Bytes of payload.
  size_t size() const { return size_; }
  bool may_compress() const { return may_compress_; }
  // The frame as it is.
  const SharedBytes& plain() const { return plain_; }
  // The frame compressed, from an empty window; null without memory.
  const SharedBytes* compressed(DeflatePool& pool, const DeflateParameters& parameters);

 private:
  struct Version {
    DeflateParameters parameters;
    SharedBytes frame;
  };

  const size_t size_;
  const Opcode opcode_;
  const bool may_compress_;
  SharedBytes plain_;
  std::vector<Version> versions_;
};

}  // namespace vws
