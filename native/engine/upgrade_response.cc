#include <algorithm>
#include <cctype>

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
    if (name[i] == '\0' || std::tolower(static_cast<unsigned char>(line[i])) != name[i]) return false;
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

bool UpgradeResponse::parse_status_line(const std::string& line) {
  // HTTP/1.1 101 Switching Protocols
  if (line.compare(0, 7, "HTTP/1.") != 0 || line.size() < 12 || line[8] != ' ') return false;
  for (size_t i = 9; i < 12; ++i) {
    if (!std::isdigit(static_cast<unsigned char>(line[i]))) return false;
  }
  status = std::stoi(line.substr(9, 3));
  if (status < 100) return false;
  status_text = line.size() > 13 ? line.substr(13) : std::string();
  return true;
}

}  // namespace vws
