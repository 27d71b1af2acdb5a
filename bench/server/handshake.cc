#include "handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <strings.h>

#include <cstdlib>

namespace bench {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char base64[32];
  const int size = EVP_EncodeBlock(base64, digest, SHA_DIGEST_LENGTH);
  return std::string(reinterpret_cast<char*>(base64), static_cast<size_t>(size));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string_view header(std::string_view request, std::string_view name) {
  size_t at = request.find("\r\n");
  while (at != std::string_view::npos) {
    const std::string_view line = request.substr(at + 2, request.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      return trim(line.substr(name.size() + 1));
    }
    at = request.find("\r\n", at + 2);
  }
  return {};
}

std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() == query.size() ? pair.size() : pair.size() + 1);
    if (pair.size() > name.size() && pair[name.size()] == '=' && pair.find(name) == 0) {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

uint64_t number(std::string_view query, std::string_view name, uint64_t fallback) {
  const std::string text(parameter(query, name));
  return text.empty() ? fallback : std::strtoull(text.c_str(), nullptr, 10);
}

std::optional<Task> task_of(std::string_view target) {
  const size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  Task task;
  if (path == "/echo") {
    task.mode = Mode::kEcho;
  } else if (path == "/sink") {
    task.mode = Mode::kSink;
  } else if (path == "/source") {
    task.mode = Mode::kSource;
  } else if (path == "/idle") {
    task.mode = Mode::kIdle;
  } else {
    return std::nullopt;
  }
  task.every = number(query, "every", 0);
  task.size = number(query, "size", 64);
  task.rate = number(query, "rate", 0);
  task.text = parameter(query, "type") == "text";
  task.deflate = parameter(query, "deflate") == "1";
  return task;
}

}  // namespace

std::optional<Upgrade> answer(std::string_view request) {
  if (request.substr(0, 4) != "GET ") return std::nullopt;
  const std::string_view target = request.substr(4, request.find(' ', 4) - 4);
  const std::string_view key = header(request, "Sec-WebSocket-Key");
  std::optional<Task> task = task_of(target);
  if (!task || key.empty()) return std::nullopt;

  Upgrade upgrade;
  upgrade.response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_of(key) + "\r\n";
  const std::string_view protocols = header(request, "Sec-WebSocket-Protocol");
  if (!protocols.empty()) {
    upgrade.response += "Sec-WebSocket-Protocol: ";
    upgrade.response += trim(protocols.substr(0, protocols.find(',')));
    upgrade.response += "\r\n";
  }
  const std::string_view extensions = header(request, "Sec-WebSocket-Extensions");
  task->deflate = task->deflate && extensions.find("permessage-deflate") != std::string_view::npos;
  if (task->deflate) upgrade.response += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  upgrade.response += "\r\n";
  upgrade.task = *task;
  return upgrade;
}

}  // namespace bench
