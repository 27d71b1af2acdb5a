/* The engine's own C client, written as libwebsockets' minimal examples teach: a protocol callback that writes one
 * message each time the socket is writeable and asks to be called again, and that takes what arrives. */
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"
#include "payload.h"

#define MOST_CONNECTIONS 1000
#define RX_BUFFER (64 * 1024)
#define PAYLOADS 64

struct client;

/* One connection. */
struct session {
  struct client* client;
  struct lws* wsi;
  uint64_t to_send;
  uint64_t sent;
  double sent_at;
};

struct client {
  struct bench_options options;
  struct bench_meter meter;
  struct lws_context* context;
  struct session sessions[MOST_CONNECTIONS];
  unsigned char* payloads; /* PAYLOADS of them */
  unsigned char*
      buffer; /* LWS_PRE bytes, then the message at hand, which lws_write() masks in place */
  uint64_t messages;
  uint64_t base;
  uint64_t open;
  int opening; /* connections are counted, not messages */
  int sending;
  int receiving;
  int done;
  int failed;
};

static void fail(struct client* client, const char* why) {
  if (client->done) return; /* it was cut short at the end */
  fprintf(stderr, "%s\n", why);
  client->failed = client->done = 1;
}

static void dial(struct client* client, struct session* session) {
  struct lws_client_connect_info info;
  memset(&info, 0, sizeof info);
  info.context = client->context;
  info.address = "127.0.0.1";
  info.port = client->options.port;
  info.path = client->options.path;
  info.host = "localhost";
  info.origin = "localhost";
  info.protocol = "bench";
  info.ssl_connection = client->options.tls ? LCCSCF_USE_SSL : 0;
  info.userdata = session;
  if (!lws_client_connect_via_info(&info)) fail(client, "cannot connect");
}

/* When all are open, all begin. */
static void begin(struct client* client) {
  uint64_t i;
  bench_meter_init(&client->meter, &client->options);
  for (i = 0; i < client->options.connections; i++) {
    client->sessions[i].to_send = client->receiving ? 1 : client->options.flight;
    lws_callback_on_writable(client->sessions[i].wsi);
  }
}

static int write_one(struct client* client, struct session* session) {
  const size_t size = (size_t)client->options.size;
  const enum lws_write_protocol kind = client->options.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
  if (session->to_send == 0) return 0;
  memcpy(client->buffer + LWS_PRE, client->payloads + session->sent % PAYLOADS * size, size);
  session->to_send--;
  session->sent++;
  if (client->options.flight == 1) session->sent_at = bench_now();
  if (lws_write(session->wsi, client->buffer + LWS_PRE, size, kind) < (int)size) return -1;
  if (session->to_send > 0) lws_callback_on_writable(session->wsi);
  return 0;
}

static void message_received(struct client* client, struct session* session) {
  const struct bench_options* const options = &client->options;
  const uint64_t worth = client->sending ? options->every : 1;
  client->messages += worth;
  if (options->flight == 1 && options->connections == 1 && !client->receiving) {
    bench_meter_latency(&client->meter, bench_now() - session->sent_at);
  }
  if (client->receiving) return;
  session->to_send += worth;
  lws_callback_on_writable(session->wsi);
}

static int established(struct client* client, struct session* session, struct lws* wsi) {
  session->wsi = wsi;
  if (client->opening) {
    client->messages++;
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    return 0;
  }
  if (++client->open == client->options.connections) begin(client);
  return 0;
}

static int callback(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* in,
                    size_t len) {
  struct session* const session = user;
  (void)len;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      return established(session->client, session, wsi);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return write_one(session->client, session);
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi))
        message_received(session->client, session);
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      fail(session->client, in ? (const char*)in : "no connection");
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      if (session->client->done) return 0;
      if (session->client->opening)
        dial(session->client, session);
      else
        fail(session->client, "the connection closed");
      return 0;
    default:
      return 0;
  }
}

static const struct lws_protocols protocols[] = {
    {"bench", callback, 0, RX_BUFFER, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_max_window_bits"},
    {NULL, NULL, NULL},
};

static struct lws_context* create_context(const struct bench_options* options) {
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.extensions = options->deflate ? extensions : NULL;
  info.gid = (gid_t)-1;
  info.uid = (uid_t)-1;
  info.pt_serv_buf_size = RX_BUFFER;
  /* The other clients check text too. */
  info.options =
      LWS_SERVER_OPTION_VALIDATE_UTF8 | (options->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
  if (options->tls) info.client_ssl_ca_filepath = options->ca;
  return lws_create_context(&info);
}

/* The payloads and the buffer they are sent from. */
static int prepare(struct client* client) {
  const struct bench_options* const options = &client->options;
  const size_t size = (size_t)options->size;
  size_t i;
  client->payloads = malloc(PAYLOADS * size);
  client->buffer = malloc(LWS_PRE + size);
  if (!client->payloads || !client->buffer) return -1;
  for (i = 0; i < PAYLOADS; i++) {
    bench_fill(client->payloads + i * size, size, options->text, options->json, (uint32_t)i);
  }
  for (i = 0; i < MOST_CONNECTIONS; i++) client->sessions[i].client = client;
  client->opening = !strcmp(options->mode, "open");
  client->sending = !strcmp(options->mode, "send");
  client->receiving = !strcmp(options->mode, "receive");
  return options->connections <= MOST_CONNECTIONS ? 0 : -1;
}

static void run(struct client* client) {
  uint64_t i;
  if (client->opening) bench_meter_init(&client->meter, &client->options);
  for (i = 0; i < client->options.connections; i++) dial(client, &client->sessions[i]);
  while (!client->done && lws_service(client->context, 0) >= 0) {
    if (!client->opening && client->open < client->options.connections) continue;
    if (bench_meter_tick(&client->meter, client->messages, &client->base)) client->done = 1;
  }
}

int main(int argc, char** argv) {
  struct client* const client = calloc(1, sizeof *client);
  int result = 1;
  lws_set_log_level(LLL_ERR, NULL);
  if (client && !bench_options_parse(&client->options, argc, argv) && !prepare(client)) {
    client->context = create_context(&client->options);
    if (client->context) {
      run(client);
      lws_context_destroy(client->context);
      result = client->failed;
    }
    free(client->payloads);
    free(client->buffer);
    bench_meter_free(&client->meter);
  }
  free(client);
  return result;
}
