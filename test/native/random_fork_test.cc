#include <sys/wait.h>
#include <unistd.h>

#include "engine/ws/random_pool.h"
#include "harness.h"

using vws::MaskKey;
using vws::MaskKeySource;

TEST("a forked child does not go on with its parent's keys") {
  MaskKeySource source;
  source.next();
  int ends[2];
  if (!CHECK(pipe(ends) == 0)) return;
  const pid_t child = fork();
  if (child == 0) {
    MaskKey keys[64];
    for (MaskKey& key : keys) key = source.next();
    _exit(write(ends[1], keys, sizeof keys) == static_cast<ssize_t>(sizeof keys) ? 0 : 1);
  }
  MaskKey theirs[64];
  CHECK(read(ends[0], theirs, sizeof theirs) == static_cast<ssize_t>(sizeof theirs));
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  int same = 0;
  for (const MaskKey& key : theirs) same += key == source.next();
  CHECK(same < 2);
  close(ends[0]);
  close(ends[1]);
}

TEST_MAIN
