/*
 * What bench.c measures of our library, of sentry-native: sentry_bench DATABASE_FOLDER [quick]. Its transport throws away
 * what it is given, and its handler of crashes is in the process. Prints NAME NANOSECONDS, a line a figure.
 */
#define _GNU_SOURCE
#include <sentry.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 5 };

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_size(const void *one, const void *other) {
  double left = *(const double *)one, right = *(const double *)other;
  return (left > right) - (left < right);
}

/* Prints the median of some runs. */
static void print(const char *name, double runs[RUNS]) {
  qsort(runs, RUNS, sizeof *runs, by_size);
  printf("%s %.1f\n", name, runs[RUNS / 2]);
}

static void throw_away(sentry_envelope_t *envelope, void *unused) {
  (void)unused;
  sentry_envelope_free(envelope);
}

static void start(const char *folder) {
  sentry_options_t *options = sentry_options_new();
  sentry_options_set_dsn(options, "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1");
  sentry_options_set_database_path(options, folder);
  sentry_options_set_max_breadcrumbs(options, 20);
  sentry_options_set_auto_session_tracking(options, 0);
  sentry_options_set_transport(options, sentry_transport_new(throw_away));
  if (sentry_init(options)) exit(1);
}

static void crumb(long number) {
  char message[64];
  snprintf(message, sizeof message, "row %ld was read", number);
  sentry_value_t crumb = sentry_value_new_breadcrumb(NULL, message);
  sentry_value_set_by_key(crumb, "category", sentry_value_new_string("db.query"));
  sentry_value_set_by_key(crumb, "level", sentry_value_new_string("info"));
  sentry_add_breadcrumb(crumb);
}

static void capture(long number) {
  char message[64];
  snprintf(message, sizeof message, "order %ld was refused", number);
  sentry_value_t event = sentry_value_new_message_event(SENTRY_LEVEL_ERROR, NULL, message);
  sentry_value_set_stacktrace(event, NULL, 0);
  sentry_capture_event(event);
}

static double captures(long count) {
  static long number = 0;
  struct timespec pause = {0, 200000};
  double spent = 0;
  for (long left = count; left > 0; left--) {
    double before = now_ns();
    capture(number++);
    spent += now_ns() - before;
    nanosleep(&pause, NULL);
  }
  return spent / (double)count;
}

int main(int count, char **words) {
  if (count < 2) return fprintf(stderr, "usage: sentry_bench DATABASE_FOLDER [quick]\n"), 2;
  long rounds = count > 2 ? 10000 : 100000;
  double starts[RUNS], crumbs[RUNS], texts[RUNS], with_crumbs[RUNS], off[RUNS], off_crumbs[RUNS];
  for (int run = 0; run < RUNS; run++) {
    double begin = now_ns();
    for (long number = 0; number < rounds; number++) capture(number);
    off[run] = (now_ns() - begin) / (double)rounds;
    begin = now_ns();
    for (long number = 0; number < rounds; number++) crumb(number);
    off_crumbs[run] = (now_ns() - begin) / (double)rounds;
  }
  for (int run = 0; run < RUNS; run++) {
    double begin = now_ns();
    start(words[1]);
    starts[run] = now_ns() - begin;
    texts[run] = captures(rounds / 100);
    for (int more = 0; more < 20; more++) crumb(more);
    with_crumbs[run] = captures(rounds / 100);
    begin = now_ns();
    for (long number = 0; number < rounds; number++) crumb(number);
    crumbs[run] = (now_ns() - begin) / (double)rounds;
    sentry_close();
  }
  print("capture_disabled", off);
  print("breadcrumb_disabled", off_crumbs);
  print("init_ready_to_crash", starts);
  print("breadcrumb_ready_to_crash", crumbs);
  print("capture_with_stack_ready_to_crash", texts);
  print("capture_with_stack_and_20_breadcrumbs_ready_to_crash", with_crumbs);
  return 0;
}
