/*
 * Runs what is built for 32-bit ARM: arm LIBUNWINDS LIBRARY. Prints how many calls a panic has unwound, and how three calls
 * of the library for applications have ended.
 */
#include <dlfcn.h>
#include <errno.h>
#include <error_sentinel.h>
#include <stdio.h>
#include <stdlib.h>

/* What Android's C library has under other names than this one. */
extern unsigned long __gnu_Unwind_Find_exidx(unsigned long pc, int *count);
int *__errno(void) { return &errno; }
unsigned long dl_unwind_find_exidx(unsigned long pc, int *count) { return __gnu_Unwind_Find_exidx(pc, count); }

static void *function(const char *path, const char *name) {
  void *library = dlopen(path, RTLD_NOW);
  void *found = library ? dlsym(library, name) : NULL;
  if (!found) fprintf(stderr, "%s: %s\n", path, dlerror()), exit(1);
  return found;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  unsigned (*unwinds)(unsigned) = function(words[1], "unwinds");
  printf("%u\n", unwinds(7));
  uint32_t (*begin)(sentinel_text, sentinel_options *) = function(words[2], "sentinel_options_new");
  uint32_t (*end)(sentinel_options) = function(words[2], "sentinel_options_free");
  sentinel_options options;
  uint32_t begun = begin(sentinel_text_of("http://nobody"), &options);
  uint32_t freed = end(options);
  printf("%u %u %u\n", (unsigned)begun, (unsigned)freed, (unsigned)end(options));
  return 0;
}
