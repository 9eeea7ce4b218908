/*
 * What the calls of the C ABI cost the thread that makes them: bench SPOOL_FOLDER [quick]. Prints NAME NANOSECONDS, a line a
 * figure. Everything is delivered to the program itself, which throws it away, so that no network is measured.
 */
#define _GNU_SOURCE
#include <error_sentinel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OK(call)                                                                                  \
  do {                                                                                            \
    uint32_t status_ = (call);                                                                    \
    if (status_ != SENTINEL_STATUS_OK) {                                                          \
      fprintf(stderr, "%s: %s\n", #call, sentinel_status_text(status_).data);                     \
      exit(1);                                                                                    \
    }                                                                                             \
  } while (0)

enum { RUNS = 5 };

static sentinel_text t(const char *text) { return sentinel_text_of(text); }

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void *delivers(void *unused) {
  sentinel_request request;
  for (;;) {
    uint32_t status = sentinel_next_request(1000, &request);
    if (status == SENTINEL_STATUS_NOT_INITIALISED) return unused;
    if (status == SENTINEL_STATUS_OK) OK(sentinel_report_result(request, 200, NULL, 0));
  }
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

static sentinel_options options_for(const char *folder) {
  sentinel_options options;
  OK(sentinel_options_new(t("http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1"), &options));
  OK(sentinel_options_deliver_by_host(options));
  if (folder) {
    OK(sentinel_options_set_spool_folder(options, t(folder)));
    OK(sentinel_options_set_report_crashes(options, true));
  }
  return options;
}

static void crumb(long number) {
  char message[64];
  int length = snprintf(message, sizeof message, "row %ld was read", number);
  sentinel_text text = {message, (size_t)length};
  OK(sentinel_add_breadcrumb(t("db.query"), text, SENTINEL_LEVEL_INFO));
}

/* Every alert is another error, as storms of one are counted instead of sent. */
static void capture(long number, bool with_frame) {
  char message[64];
  int length = snprintf(message, sizeof message, "order %ld was refused", number);
  sentinel_text text = {message, (size_t)length};
  if (!with_frame) {
    OK(sentinel_send_alert(text, NULL));
    return;
  }
  sentinel_alert alert;
  sentinel_frame frame = {t("charge"), t("shop::till"), t("src/till.c"), (uint32_t)number % 1000 + 1, 7, 0, 1};
  OK(sentinel_alert_new(t("PaymentRefused"), text, &alert));
  OK(sentinel_alert_add_frame(alert, &frame));
  OK(sentinel_alert_send(alert, NULL));
}

/* As a program would, one now and then: pauses let the SDK's own thread keep up, and are not measured. */
static double captures(long count, bool with_frame) {
  static long number = 0;
  struct timespec pause = {0, 200000};
  double spent = 0;
  for (long left = count; left > 0; left--) {
    double before = now_ns();
    capture(number++, with_frame);
    spent += now_ns() - before;
    nanosleep(&pause, NULL);
    if (left % 10 == 0) sentinel_flush(10000);
  }
  return spent / (double)count;
}

static void measure_running(const char *suffix, const char *folder, long count) {
  char name[64];
  double starts[RUNS], crumbs[RUNS], texts[RUNS], framed[RUNS], with_crumbs[RUNS];
  for (int run = 0; run < RUNS; run++) {
    double begin = now_ns();
    OK(sentinel_init(options_for(folder)));
    starts[run] = now_ns() - begin;
    pthread_t thread;
    if (pthread_create(&thread, NULL, delivers, NULL)) exit(1);
    texts[run] = captures(count / 100, false);
    framed[run] = captures(count / 100, true);
    for (int more = 0; more < 20; more++) crumb(more);
    with_crumbs[run] = captures(count / 100, false);
    begin = now_ns();
    for (long left = 0; left < count; left++) crumb(left);
    crumbs[run] = (now_ns() - begin) / (double)count;
    sentinel_close(10000);
    pthread_join(thread, NULL);
  }
  snprintf(name, sizeof name, "init%s", suffix), print(name, starts);
  snprintf(name, sizeof name, "breadcrumb%s", suffix), print(name, crumbs);
  snprintf(name, sizeof name, "capture_with_stack%s", suffix), print(name, texts);
  snprintf(name, sizeof name, "capture_with_frame_given%s", suffix), print(name, framed);
  snprintf(name, sizeof name, "capture_with_stack_and_20_breadcrumbs%s", suffix), print(name, with_crumbs);
}

static void measure_disabled(long count) {
  double crumbs[RUNS], captures[RUNS];
  for (int run = 0; run < RUNS; run++) {
    double begin = now_ns();
    for (long number = 0; number < count; number++) sentinel_send_alert(t("nobody hears this"), NULL);
    captures[run] = (now_ns() - begin) / (double)count;
    begin = now_ns();
    for (long number = 0; number < count; number++) sentinel_add_breadcrumb(t(""), t("nor this"), SENTINEL_LEVEL_INFO);
    crumbs[run] = (now_ns() - begin) / (double)count;
  }
  print("capture_disabled", captures);
  print("breadcrumb_disabled", crumbs);
}

int main(int count, char **words) {
  if (count < 2) return fprintf(stderr, "usage: bench SPOOL_FOLDER [quick]\n"), 2;
  long rounds = count > 2 ? 10000 : 100000;
  measure_disabled(rounds * 10);
  measure_running("", NULL, rounds);
  measure_running("_ready_to_crash", words[1], rounds);
  return 0;
}
