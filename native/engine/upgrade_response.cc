#include <algorithm>
#include <cctype>
#include <cstring>

#include "engine/base/letter_case.h"
#include "engine/upgrade.h"

namespace vws {

namespace {

std::string trim(const std::string& text) {
  const char* kSpace = " \t";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool same_name(const std::string& line, size_t length, const char* name) {
  for (size_t i = 0; i < length; ++i) {
    if (name[i] == '\0' || std::tolower(static_cast<unsigned char>(line[i])) != name[i])
      return false;
  }
  return name[length] == '\0';
}

}  // namespace

bool next_header_line(const std::string& headers, size_t& position, std::string& line) {
  if (position >= headers.size()) return false;
  const size_t end = std::min(headers.find("\r\n", position), headers.size());
  line = headers.substr(position, end - position);
  position = end + 2;
  return true;
}

bool header_named(const std::string& line, const char* name) {
  const size_t colon = line.find(':');
  return colon != std::string::npos && same_name(line, colon, name);
}

std::vector<std::string> UpgradeResponse::all(const char* name) const {
  std::vector<std::string> values;
  std::string line;
  for (size_t position = 0; next_header_line(headers, position, line);) {
    if (header_named(line, name)) values.push_back(trim(line.substr(line.find(':') + 1)));
  }
  return values;
}

std::string UpgradeResponse::find(const char* name) const {
  const std::vector<std::string> values = all(name);
  return values.empty() ? std::string() : values.front();
}

std::string UpgradeResponse::join(const char* name) const {
  std::string joined;
  for (const std::string& value : all(name)) {
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

bool has_token(const std::string& list, const char* token) {
  for (size_t position = 0; position <= list.size();) {
    const size_t end = std::min(list.find(',', position), list.size());
    const std::string item = trim(list.substr(position, end - position));
    if (same_ignoring_case(item, token)) return true;
    position = end + 1;
  }
  return false;
}

}  // namespace vws
