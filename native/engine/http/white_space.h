#pragma once

#include <cstddef>
#include <string>

namespace vws {

// A part of a text without the white space around it (RFC 9110 §5.5).
inline std::string trimmed(const std::string& text, size_t begin, size_t end) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (begin < end && is_blank(text[begin])) ++begin;
  while (begin < end && is_blank(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

}  // namespace vws
