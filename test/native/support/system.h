#pragma once

// What tests ask of the system beyond the engine's own calls (engine/os/): each system has a file of its own here, so
// that the tests themselves know none. Sockets are streams; to send and to receive there is engine/os/socket.h.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/os/socket.h"
#include "engine/os/unique_fd.h"

namespace vws::test {

// What getaddrinfo(3) answers where a name server is not to be reached.
extern const int kTryAgain;

// Both ends of a stream; neither blocks.
struct SocketPair {
  UniqueFd one;
  UniqueFd other;
};
SocketPair socket_pair();

// Where the system has no pairs they are connections of TCP: who writes to an end that has closed is told later, with a
// reset, and then cannot read any more what had come before.
extern const bool kPairsAreTcp;

// A blocking stream socket, of which each call ends after 20 s at the latest.
UniqueFd blocking_socket(int family);
// Makes a socket of the engine's a blocking one.
void set_blocking(int fd);
// -1 if it is refused. For blocking sockets.
int connect_blocking(int fd, const sockaddr* address, socklen_t length);

// Waits until there is something to read, the end included: false after so many milliseconds.
bool wait_readable(int fd, int milliseconds);
// Whether the peer has ended the stream, whatever else there is to read. Does not wait.
bool has_peer_ended(int fd);

// How much the system keeps for the socket, each way, as far as it listens to it.
void set_buffers(int fd, int bytes);
// When it is closed, TCP ends with a reset.
void reset_when_closed(int fd);
// Ends both directions; who waits in a call on it is woken up.
void shut_down(int fd);

// What the engine's options have made of a socket.
bool has_no_delay(int fd);
bool has_keep_alive(int fd);
int keep_alive_delay(int fd);  // seconds
// Whether it blocks nobody, and no program that is started inherits it.
bool is_private(int fd);

// Of this process: what is open of the system's things.
int open_descriptors();
// Its memory, in bytes.
size_t resident_bytes();
// Whether the page that begins there exists.
bool is_resident(const uint8_t* page);
// A descriptor of something that is no socket, and what is said where it is to be watched.
UniqueFd no_socket();
extern const char* const kCannotWatch;
// What the system calls the interface of the index 1, which is its loopback.
std::string loopback_name();
int process_id();
// Writing to a connection that is over is an error, no signal.
bool ignore_broken_pipes();

// A folder of its own, which is gone at the end with the files in it that it was asked for.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name);

 private:
  std::string path_;
  std::string files_;  // each with a line's end
};

}  // namespace vws::test
