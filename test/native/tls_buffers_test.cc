// What OpenSSL holds for a TLS connection that is idle: none of the buffers, of the size of a record, that it reads and
// writes with.

#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "server_tls_support.h"

namespace vws::test {

namespace {

// OpenSSL's own socket, the client's, does not ask for silence.
[[maybe_unused]] const bool kIgnored = ignore_broken_pipes();

constexpr size_t kRecord = 16 * 1024;  // the payload of a record (RFC 8446 §5.1)

// All that OpenSSL holds in this process comes from here, with its size in front.
struct alignas(std::max_align_t) Head {
  size_t size;
};

// Blocks of a record's size, or more.
std::atomic<int> buffers{0};

void count(size_t size, int change) {
  if (size >= kRecord) buffers += change;
}

void give_back(void* data, const char*, int) {
  if (!data) return;
  Head* head = static_cast<Head*>(data) - 1;
  count(head->size, -1);
  std::free(head);
}

void* take(size_t size, const char*, int) {
  if (size == 0) return nullptr;
  auto* head = static_cast<Head*>(std::malloc(sizeof(Head) + size));
  if (!head) return nullptr;
  head->size = size;
  count(size, 1);
  return head + 1;
}

void* take_anew(void* data, size_t size, const char* file, int line) {
  void* larger = take(size, file, line);
  if (data && (larger || size == 0)) {
    if (larger) std::memcpy(larger, data, std::min(size, (static_cast<Head*>(data) - 1)->size));
    give_back(data, file, line);
  }
  return larger;
}

// Before OpenSSL has anything.
const bool kCounts = CRYPTO_set_mem_functions(take, take_anew, give_back) == 1;

// A message each way.
void talk(ServerScene& scene, TlsClient& client, int32_t id) {
  const size_t known = scene.consumer.of(id).messages.size();
  CHECK(client.say(client_frame(kText, "hello")));
  CHECK(scene.consumer.until([&] { return scene.consumer.of(id).messages.size() > known; }));
  scene.consumer.send(id, "hello");
  scene.consumer.engine.flush();
  CHECK_EQ(client.read(7), server_frame(kText, "hello"));
}

}  // namespace

TEST("a connection of a server has given its buffers back when it is idle, each time") {
  CHECK(kCounts);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ServerScene scene({}, server_tls());
    ClientTls asked;
    asked.version = version;
    const int before = buffers;
    {
      TlsClient client(scene.port, true, asked);
      // The client, which is not asked to, keeps some.
      CHECK(buffers > before);
      CHECK(client.say(kUpgradeRequest));
      Consumer::Request* request = scene.next_request();
      CHECK(request != nullptr);
      if (!request) return;
      const int32_t id = request->id;
      scene.accept(id);
      CHECK_EQ(client.read(sizeof kGreeting - 1), kGreeting);
      for (int i = 0; i < 2; ++i) {
        talk(scene, client, id);
        // Those of the client. What is left is the server's.
        CHECK_EQ(SSL_free_buffers(client.ssl()), 1);
        CHECK(scene.consumer.until([&] { return buffers == before; }));
      }
      scene.end(id);
    }
  }
}

}  // namespace vws::test
TEST_MAIN
