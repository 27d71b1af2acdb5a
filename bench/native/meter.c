#include "meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Sets the field that an argument names. */
static int set(struct bench_options* o, const char* key, const char* value) {
  if (!strcmp(key, "mode"))
    o->mode = value;
  else if (!strcmp(key, "path"))
    o->path = value;
  else if (!strcmp(key, "ca"))
    o->ca = value;
  else if (!strcmp(key, "size"))
    o->size = strtoull(value, NULL, 10);
  else if (!strcmp(key, "flight"))
    o->flight = strtoull(value, NULL, 10);
  else if (!strcmp(key, "connections"))
    o->connections = strtoull(value, NULL, 10);
  else if (!strcmp(key, "every"))
    o->every = strtoull(value, NULL, 10);
  else if (!strcmp(key, "type"))
    o->text = strcmp(value, "binary") != 0, o->json = !strcmp(value, "json");
  else if (!strcmp(key, "tls"))
    o->tls = atoi(value);
  else if (!strcmp(key, "deflate"))
    o->deflate = atoi(value);
  else if (!strcmp(key, "port"))
    o->port = atoi(value);
  else if (!strcmp(key, "server"))
    o->server = atoi(value);
  else if (!strcmp(key, "warm"))
    o->warm = atof(value) / 1000;
  else if (!strcmp(key, "measure"))
    o->measure = atof(value) / 1000;
  else
    return -1;
  return 0;
}

int bench_options_parse(struct bench_options* options, int argc, char** argv) {
  const struct bench_options defaults = {.mode = "echo",
                                         .path = "/echo",
                                         .ca = "",
                                         .size = 64,
                                         .flight = 1,
                                         .connections = 1,
                                         .warm = 0.2,
                                         .measure = 0.5};
  int i;
  *options = defaults;
  for (i = 1; i < argc; i++) {
    char* const equals = strchr(argv[i], '=');
    if (equals) *equals = '\0';
    if (!equals || set(options, argv[i], equals + 1)) {
      fprintf(stderr, "unknown argument %s\n", argv[i]);
      return -1;
    }
  }
  return 0;
}

double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time of all threads of this process. */
static double cpu_seconds(void) {
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
}

/* Processor time of the server's one thread. */
static double server_seconds(int pid) {
  char path[64];
  uint64_t ns = 0;
  FILE* file;
  snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
  file = fopen(path, "r");
  if (!file) return 0;
  if (fscanf(file, "%" SCNu64, &ns) != 1) ns = 0;
  fclose(file);
  return (double)ns / 1e9;
}

void bench_meter_init(struct bench_meter* meter, const struct bench_options* options) {
  memset(meter, 0, sizeof *meter);
  meter->options = options;
  meter->begin = bench_now();
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void print_result(struct bench_meter* meter, uint64_t messages, double seconds) {
  struct rusage usage;
  const uint64_t n = meter->latency_count;
  printf("{\"messages\":%" PRIu64 ",\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"serverSeconds\":%.6f",
         messages, seconds, cpu_seconds() - meter->cpu,
         server_seconds(meter->options->server) - meter->server_cpu);
  if (n > 0) {
    qsort(meter->latencies, n, sizeof *meter->latencies, ascending);
    printf(",\"latencyMedian\":%.2f,\"latencyP99\":%.2f", meter->latencies[n / 2],
           meter->latencies[n * 99 / 100]);
  }
  getrusage(RUSAGE_SELF, &usage);
  printf(",\"rss\":%ld}\n", usage.ru_maxrss * 1024);
  fflush(stdout);
}

int bench_meter_tick(struct bench_meter* meter, uint64_t messages, uint64_t* base) {
  const double now = bench_now();
  if (meter->start == 0) {
    if (now - meter->begin < meter->options->warm) return 0;
    meter->server_cpu = server_seconds(meter->options->server);
    meter->cpu = cpu_seconds();
    meter->latency_count = 0;
    meter->start = bench_now();
    *base = messages;
    return 0;
  }
  if (now - meter->start < meter->options->measure) return 0;
  print_result(meter, messages - *base, now - meter->start);
  return 1;
}

void bench_meter_latency(struct bench_meter* meter, double seconds) {
  if (meter->latency_count == meter->latency_room) {
    const uint64_t room = meter->latency_room ? meter->latency_room * 2 : 65536;
    double* const grown = realloc(meter->latencies, room * sizeof *grown);
    if (!grown) return;
    meter->latencies = grown;
    meter->latency_room = room;
  }
  meter->latencies[meter->latency_count++] = seconds * 1e6;
}

void bench_meter_free(struct bench_meter* meter) { free(meter->latencies); }
