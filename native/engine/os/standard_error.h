#pragma once

#include <string>

namespace vws::os {

// In one write, past the C library's buffers. What cannot be written is lost. Any thread.
void write_to_stderr(const std::string& text);

}  // namespace vws::os
