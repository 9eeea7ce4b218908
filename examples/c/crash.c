/*
 * Dies in many ways, with the SDK and without: crash HOW WHERE [DSN SPOOL_FOLDER [wait]]
 *
 * HOW is segv, abort, bus, ill, fpe, null-call, overflow, overflow-unprepared, malloc, own-handler, later-handler or
 * tight-stack. WHERE is main, worker or two (two threads at once). With `wait` it waits for a line of input first. `crash report DSN SPOOL_FOLDER`
 * is the next start: it sends what the others left.
 */
#define _GNU_SOURCE
#include <error_sentinel.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define OK(call)                                                                                  \
  do {                                                                                            \
    uint32_t status_ = (call);                                                                    \
    if (status_ != SENTINEL_STATUS_OK) {                                                          \
      fprintf(stderr, "%s: %s\n", #call, sentinel_status_text(status_).data);                     \
      exit(3);                                                                                    \
    }                                                                                             \
  } while (0)
#define NOINLINE __attribute__((noinline))

static const char *how;
static pthread_barrier_t together;
static volatile int zero;
static struct sigaction before;
static void **volatile freed;

static sentinel_text t(const char *text) { return sentinel_text_of(text); }

static NOINLINE int deeper(volatile int depth) {
  volatile char room[512];
  if (depth < 0) return 0;
  room[depth % 512] = (char)depth;
  return deeper(depth + 1) + room[0];
}

/* Breaks the list of free memory, and asks for some: malloc crashes while it holds its lock. */
static NOINLINE void break_malloc(void) {
  void **blocks[64];
  for (int i = 0; i < 64; i++) blocks[i] = malloc(2000);
  for (int i = 0; i < 64; i += 2) free(blocks[i]);
  for (int i = 0; i < 64; i += 2) {
    freed = blocks[i];
    freed[1] = (void *)8;
  }
  zero += malloc(3000) != NULL;
}

static NOINLINE void read_past_the_end(void) {
  FILE *file = tmpfile();
  if (!file) exit(3);
  volatile char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
  zero += bytes[0];
}

NOINLINE void die(void) {
  if (!strcmp(how, "abort")) abort();
  if (!strcmp(how, "bus")) read_past_the_end();
#if defined(__x86_64__)
  if (!strcmp(how, "ill")) __asm__ volatile("ud2");
  if (!strcmp(how, "fpe")) zero = 7 / zero;
#else
  if (!strcmp(how, "ill")) __asm__ volatile(".inst 0");
  if (!strcmp(how, "fpe")) raise(SIGFPE);
#endif
  if (!strcmp(how, "null-call")) {
    void (*volatile nowhere)(void) = NULL;
    nowhere();
  }
  if (!strncmp(how, "overflow", 8)) deeper(0);
  if (!strcmp(how, "malloc")) break_malloc();
  *(volatile int *)16 = 1;
  zero++;
}

NOINLINE void middle(void) {
  die();
  zero++;
}

static void *worker(void *of_two) {
  if (strcmp(how, "overflow-unprepared")) sentinel_prepare_thread();
  if (of_two) pthread_barrier_wait(&together);
  middle();
  return NULL;
}

/* Which signals would end the process now is a part of what it says. */
static void own_handler(int signal) {
  static const int others[] = {SIGABRT, SIGBUS, SIGILL, SIGFPE};
  struct sigaction now;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    int ends = sigaction(others[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL;
    (void)!write(1, ends ? "ends " : "is handled ", ends ? 5 : 11);
  }
  (void)!write(1, "own handler\n", 12);
  _exit(40 + signal);
}

/* Was put in the SDK's place, and passes on to it. */
static void later_handler(int signal, siginfo_t *info, void *context) {
  (void)!write(1, "later handler\n", 14);
  if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(signal, info, context);
  else sigaction(signal, &before, NULL);
}

/* Room for the system to call a handler, but hardly for the handler. */
static void give_tight_stack(void) {
  size_t frame = (size_t)sysconf(_SC_MINSIGSTKSZ), least = 2048;
  /* What the processor saves may be less than the kernel takes for a stack. */
  size_t size = (frame > least ? frame : least) + 256;
  char *memory = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t rounded = (size + 4095) / 4096 * 4096;
  mprotect(memory + 32768, rounded, PROT_READ | PROT_WRITE);
  /* Its lower end is at a page that cannot be touched. */
  stack_t tight = {.ss_sp = memory + 32768, .ss_size = size};
  if (sigaltstack(&tight, NULL)) exit(3);
}

static void start(const char *dsn, const char *folder, bool reports) {
  sentinel_options options;
  OK(sentinel_options_new(t(dsn), &options));
  OK(sentinel_options_set_release(options, t("till@2.0")));
  OK(sentinel_options_set_spool_folder(options, t(folder)));
  if (reports) OK(sentinel_options_set_report_crashes(options, true));
  OK(sentinel_init(options));
}

int main(int count, char **words) {
  how = count > 1 ? words[1] : "";
  if (count == 4 && !strcmp(how, "report")) {
    start(words[2], words[3], true);
    uint32_t flushed = sentinel_flush(3000), closed = sentinel_close(100);
    return flushed != SENTINEL_STATUS_OK || closed != SENTINEL_STATUS_OK;
  }
  if (count != 3 && count < 5) return fprintf(stderr, "usage: crash HOW WHERE [DSN SPOOL_FOLDER [wait]]\n"), 2;
  struct sigaction own = {.sa_handler = own_handler};
  if (!strcmp(how, "own-handler")) sigaction(SIGSEGV, &own, NULL);
  if (!strcmp(how, "tight-stack")) give_tight_stack();
  if (count > 3) {
    start(words[3], words[4], true);
    OK(sentinel_set_tag(t("shop"), t("berlin")));
    OK(sentinel_set_user(t("4711"), t(""), t("ada")));
    OK(sentinel_add_breadcrumb(t("basket"), t("three apples were added"), SENTINEL_LEVEL_INFO));
    OK(sentinel_add_breadcrumb(t(""), t("and a pear"), SENTINEL_LEVEL_DEBUG));
  }
  struct sigaction later = {.sa_sigaction = later_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  if (!strcmp(how, "later-handler")) sigaction(SIGSEGV, &later, &before);
  if (count > 5) {
    puts("ready");
    fflush(stdout);
    getchar();
  }
  pthread_t threads[2];
  if (!strcmp(words[2], "main")) middle();
  if (!strcmp(words[2], "two")) {
    pthread_barrier_init(&together, NULL, 2);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, worker, &together);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  }
  pthread_create(&threads[0], NULL, worker, NULL);
  pthread_join(threads[0], NULL);
  return 1;
}
