#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/shortage.h"
#include "engine/net/http_response_head.h"
#include "engine/tls/tls_config.h"
#include "engine/tls/verify.h"
#include "engine/ws/extension.h"

struct lws;
struct ssl_st;

namespace vws {

class LwsHost;

// Why a connection could not be made, or broke. The texts go to event 1 and to error objects.
struct ConnectionFailure {
  std::string code;          // stable; "ENGINE": to be told from the engine's words in reason
  std::string reason;        // documented text of event 1, or the engine's words
  std::string detail;        // the engine's, OpenSSL's or the system's words
  std::string engine_words;  // what the engine said, where the reason is ours
  std::string errno_name;
  std::string address;
  int port = 0;
  std::string location;  // of a redirect
  int status = 0;        // HTTP status of a proxy
  uint16_t close_code = 0;
};

// What is asked of the server (RFC 6455 §4.1).
struct UpgradeRequest {
  bool secure = false;
  std::string host;  // without brackets
  std::string path = "/";
  std::string host_header;
  std::vector<std::string> protocols;
  std::vector<std::string> headers;  // "Name: value"
  bool offers_deflate = false;
  DeflateOffer deflate;
  std::shared_ptr<const TlsConfig> tls;
  std::optional<std::string> servername;  // "": no SNI; absent: host
  std::string session_key;                // host:port, under which TLS sessions are kept
  bool verify_in_js = false;
  // How long the system may be short of memory for the socket.
  Milliseconds starved_limit = Shortage::kLimit;
};

// The server's response, as it came.
struct UpgradeResponse {
  int status = 0;
  std::string status_text;
  std::string headers;  // raw lines, "Name: value", separated by CRLF
  std::string body;     // what arrived behind the header of a refusal

  // Value of the first header of that name (lower case), without surrounding white space; empty if none.
  std::string find(const char* name) const;
  std::vector<std::string> all(const char* name) const;
  // All values of that name, joined by ", " (RFC 9110 §5.3).
  std::string join(const char* name) const;
};

// The header line at position, which moves on; false at the end.
bool next_header_line(const std::string& headers, size_t& position, std::string& line);
// Whether a comma-separated list has a token, in whatever case.
bool has_token(const std::string& list, const char* token);
// Whether the line is a header of that name (lower case).
bool header_named(const std::string& line, const char* name);

// Told of what becomes of an upgrade. Runs on the service thread, inside the engine: the wsi must not be
// closed from it.
class UpgradeListener {
 public:
  virtual ~UpgradeListener() = default;
  virtual void on_established() = 0;
  virtual void on_upgrade_failed(ConnectionFailure failure) = 0;
  // The server has answered with another status than 101. The engine knows nothing of it: the upgrade may be kept
  // to read the body.
  virtual void on_refused(ConnectionFailure failure) = 0;
  // The peer's certificate waits for a verdict: answer with Upgrade::judge().
  virtual void on_certificate() = 0;
};

// One handshake from a connected socket to an established WebSocket, done by the engine, with our
// hands on what it reads and writes meanwhile: the request is completed by us on its way out, and the
// response is handed to the engine whole, once we have looked at it. Service thread only.
class Upgrade {
 public:
  Upgrade(UpgradeRequest request, UpgradeListener* listener);
  ~Upgrade();
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  const UpgradeRequest& request() const { return request_; }
  const UpgradeResponse& response() const { return response_; }
  bool has_response() const { return response_.status != 0; }
  const std::string& protocol() const { return protocol_; }
  // Sec-WebSocket-Extensions, as the server sent it.
  const std::string& extensions() const { return extensions_; }
  const Negotiated& negotiated() const { return negotiated_; }
  // Frames that arrived in one read with the response.
  std::vector<uint8_t> take_early_data() { return std::move(early_data_); }
  UpgradeResponse take_response() { return std::move(response_); }
  TlsVerdict& verdict() { return *verdict_; }

  // JavaScript's verdict on the certificate; empty: accepted.
  void judge(const std::string& error);

  // The upgrade whose handshake an SSL makes, or a wsi is for; null for any other.
  static Upgrade* of(const ssl_st* ssl);
  static Upgrade* of(lws* wsi);
  // Whether the wsi's upgrade was dismissed.
  static bool dismissed(lws* wsi);
  // Takes leave of the engine, which keeps the wsi: it has no upgrade any more. Returns what TLS needs
  // for as long as it lives, or null.
  std::unique_ptr<TlsVerdict> dismiss();

  // Called by the hooks and by the engine's callback.
  void attach(lws* wsi) { wsi_ = wsi; }
  // The loop cannot watch its descriptor: whatever the engine does next fails.
  void note_not_watched(int error);
  lws* wsi() const { return wsi_; }
  bool done() const { return done_; }
  bool failed() const { return failed_; }
  // The request could not be written. What the server has said before is still read.
  bool write_failed() const { return !write_error_.empty(); }
  // Nothing of that kind has come.
  void fail_writing();
  // The engine has written its request, as far as it knows.
  bool request_taken() const { return request_taken_; }
  int apply_tls(ssl_st* ssl);
  // Bracket SSL_connect(): false means that the handshake has to wait for a verdict.
  bool certificate_settled(ssl_st* ssl);
  void note_tls_failure(ssl_st* ssl);
  // The system has no memory for the socket: SSL_connect() is called again after a moment. False: that has lasted too
  // long, and is to be noted. note_tls_memory(): it has some.
  bool rest_tls() { return rest(starved_out_); }
  void note_tls_memory() { starved_out_.pass(); }
  void note_tls_starved(int error);
  // As the engine's functions of that kind: bytes moved, or one of LWS_SSL_CAPABLE_….
  int read(uint8_t* buffer, int size);
  int write(const uint8_t* data, int size);
  // Goes on with a request that the socket did not take at once; true when nothing is left to be written.
  bool write_rest();
  bool refused() const { return step_ == Step::kRefused; }
  void engine_established();
  void engine_failed(const char* words);

 private:
  enum class Step { kReceiving, kServing, kRefused, kFailed };
  enum class Judgement { kNone, kAsked, kAccepted, kRefused };

  struct Read {
    size_t bytes = 0;  // 0, and neither of the others: nothing yet
    bool ended = false;
    int starved = 0;
    std::string error;
    std::string alert;  // code of what the server said by a TLS alert
  };

  LwsHost& host() const;
  bool rest(Shortage& direction);
  Read read_socket(uint8_t* bytes, size_t size);
  int receive();
  bool stop_writing(const std::string& error);
  bool rest_or_stop_writing(int error);
  int serve(uint8_t* buffer, int size);
  std::string compose_request(const std::string& from_engine) const;
  void malformed();
  // Each false after fail().
  bool take_header(const std::string& rest);
  void refuse();
  bool check_upgrade();
  bool check_protocol();
  bool check_extensions();
  void compose_for_engine();
  bool fail(const char* code, const char* reason, std::string detail);

  UpgradeRequest request_;
  UpgradeListener* listener_;
  lws* wsi_ = nullptr;
  std::unique_ptr<TlsVerdict> verdict_;  // secure only
  Judgement judgement_ = Judgement::kNone;
  std::string judgement_error_;

  Shortage starved_out_, starved_in_;
  bool request_taken_ = false;
  std::string request_left_;  // not written yet
  std::string write_error_;   // errno's name, or OpenSSL's
  Step step_ = Step::kReceiving;
  bool done_ = false;
  // RFC 6455 §4.1 has "or higher", which no server answers with.
  HttpResponseHead head_{HttpResponseHead::Versions::kOnly11};
  std::string serving_;  // the header, as the engine gets to see it
  size_t served_ = 0;
  UpgradeResponse response_;
  std::string protocol_;
  std::string extensions_;
  Negotiated negotiated_;
  std::vector<uint8_t> early_data_;
  bool failed_ = false;
  ConnectionFailure failure_;
};

}  // namespace vws
