#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a native client is to do: the case's parameters, given as key=value arguments. */
struct bench_options {
  const char* mode; /* echo, send, receive, open */
  const char* path;
  const char* ca;
  uint64_t size;   /* bytes a message */
  uint64_t flight; /* messages on their way at once, on each connection */
  uint64_t connections;
  uint64_t every; /* send: the server acknowledges every so many */
  int text;
  int json; /* payload: compressible JSON texts */
  int tls;
  int deflate;
  int port;
  int server;     /* process id of the server, to see how busy it was */
  double warm;    /* seconds before the measurement */
  double measure; /* seconds it lasts */
};

/* Returns 0, or -1 with a word on stderr for an argument that is not known. */
int bench_options_parse(struct bench_options* options, int argc, char** argv);

/* Seconds of the monotonic clock. */
double bench_now(void);

/* A measurement: warms up, measures, prints one line of JSON. */
struct bench_meter {
  const struct bench_options* options;
  double begin; /* of the warm-up */
  double start; /* of the measurement; 0: not yet */
  double cpu;
  double server_cpu;
  double* latencies; /* microseconds */
  uint64_t latency_count;
  uint64_t latency_room;
};

void bench_meter_init(struct bench_meter* meter, const struct bench_options* options);

/* To be called often, with the messages so far. Sets *base to those when the measurement starts; returns 1, the
 * result printed, when it is over. */
int bench_meter_tick(struct bench_meter* meter, uint64_t messages, uint64_t* base);

void bench_meter_latency(struct bench_meter* meter, double seconds);

void bench_meter_free(struct bench_meter* meter);

#ifdef __cplusplus
}
#endif

#endif
