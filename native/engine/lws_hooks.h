#pragma once

// Where we step between the engine and what it calls, by the linker's --wrap option, so that the
// engine's own files stay as they are. Each hook acts only on the service thread while it is inside an
// EngineScope, and passes everything else through.
//
//   connect                    the engine's place-holder socket becomes the one our connector made
//   socket                     why there is no place-holder socket, which the engine does not say
//   lws_ssl_client_bio_create  the connection's own TLS settings are put on the fresh SSL object
//   SSL_connect, SSL_get_error the verdict on a certificate may be awaited; failures are described
//   lws_ssl_capable_write      the request is completed (Upgrade::write)
//   lws_ssl_capable_read       the response is looked at before the engine gets it (Upgrade::read)
//   setsockopt                 2.4 would pin SO_SNDBUF to the size of its receive buffer
//   open, pipe                 2.4 would let the programs that the process starts have its descriptors
//   getenv                     proxies come from our options, never from the engine's environment

namespace vws {

class Upgrade;

namespace hooks {

// Marks calls into the engine. While the engine starts a connection, it knows the socket (owned here
// until connect() takes it) and the upgrade it is for.
class EngineScope {
 public:
  EngineScope();
  EngineScope(int socket, Upgrade* upgrade);
  ~EngineScope();
  EngineScope(const EngineScope&) = delete;
  EngineScope& operator=(const EngineScope&) = delete;

 private:
  friend struct Current;
  EngineScope* outer_;
  int socket_ = -1;
  Upgrade* upgrade_ = nullptr;
};

}  // namespace hooks
}  // namespace vws
