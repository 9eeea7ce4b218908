/*
 * Everything that the C ABI can do, and everything that can be done wrong with it: harness COMMAND [ARGUMENTS].
 *
 * It ends with 0 when each call returned the status that it must; the first that did not is named on standard error.
 * The tests run it under the address sanitizer and under valgrind.
 */
#define _GNU_SOURCE
#include <error_sentinel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(call, expected)                                                                   \
  do {                                                                                           \
    uint32_t status_ = (call);                                                                   \
    if (status_ != (expected)) {                                                                 \
      fprintf(stderr, "%s:%d: %s is %u (%s), not %u\n", __FILE__, __LINE__, #call, status_,      \
              sentinel_status_text(status_).data, (unsigned)(expected));                         \
      exit(1);                                                                                   \
    }                                                                                            \
  } while (0)
#define OK(call) EXPECT(call, SENTINEL_STATUS_OK)

static sentinel_text t(const char *text) { return sentinel_text_of(text); }

static sentinel_options options_for(const char *dsn) {
  sentinel_options options;
  OK(sentinel_options_new(t(dsn), &options));
  OK(sentinel_options_set_release(options, t("shop@1.4.2")));
  OK(sentinel_options_set_environment(options, t("staging")));
  OK(sentinel_options_set_app(options, t("till")));
  OK(sentinel_options_set_server_name(options, t("till-7")));
  OK(sentinel_options_set_max_breadcrumbs(options, 10));
  OK(sentinel_options_set_sample_rate(options, 1.0));
  OK(sentinel_options_set_attach_stack(options, true));
  return options;
}

static void surroundings(void) {
  OK(sentinel_set_tag(t("region"), t("eu-central")));
  OK(sentinel_set_user(t("4711"), t("ada@example.com"), t("ada")));
  OK(sentinel_add_breadcrumb(t("basket"), t("three apples were added"), SENTINEL_LEVEL_INFO));
  OK(sentinel_add_breadcrumb(t(""), t("and a pear"), SENTINEL_LEVEL_DEBUG));
}

static sentinel_alert refused_payment(void) {
  sentinel_alert alert;
  OK(sentinel_alert_new(t("PaymentRefused"), t("the card was refused"), &alert));
  sentinel_frame newest = {t("charge"), t("shop::till"), t("src/till.c"), 42, 7, 0x401136, 1};
  sentinel_frame oldest = {t("main"), t(""), t("src/main.c"), 11, 0, 0x401000, -1};
  OK(sentinel_alert_add_frame(alert, &newest));
  OK(sentinel_alert_add_frame(alert, &oldest));
  OK(sentinel_alert_add_cause(alert, t("Timeout"), t("the bank did not answer")));
  OK(sentinel_alert_set_level(alert, SENTINEL_LEVEL_FATAL));
  OK(sentinel_alert_set_mechanism(alert, t("return code"), true));
  OK(sentinel_alert_set_tag(alert, t("shop"), t("paris")));
  OK(sentinel_alert_set_tag(alert, t("shop"), t("berlin")));
  OK(sentinel_alert_set_extra(alert, t("amount"), t("12.50")));
  return alert;
}

/* Sends one of everything and prints the names of the events. */
static int everything(const char *dsn) {
  OK(sentinel_init(options_for(dsn)));
  surroundings();
  sentinel_event_id text, whole, json;
  OK(sentinel_send_alert(t("the till is stuck"), &text));
  OK(sentinel_alert_send(refused_payment(), &whole));
  OK(sentinel_send_event(t("{\"message\":\"made elsewhere\",\"platform\":\"lua\",\"fingerprint\":[\"elsewhere\"]}"), &json));
  OK(sentinel_flush(10000));
  OK(sentinel_close(5000));
  printf("%s\n%s\n%s\n", text.digits, whole.digits, json.digits);
  return 0;
}

/* Every mistake that a program can make; nothing is sent. */
static int misuse(void) {
  const char *dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
  const sentinel_text null_text = {NULL, 3};
  const sentinel_text no_utf8 = {"\xff\xfe", 2};
  const sentinel_text cut = {"\xf0\x9f\x94", 3};
  sentinel_options options, none = {0}, made_up = {0x1234567890abcdef};
  sentinel_alert alert, no_alert = {0};
  sentinel_request request, no_request = {0};
  sentinel_text out;
  const void *data;
  size_t length;

  /* Before the start. */
  EXPECT(sentinel_send_alert(t("x"), NULL), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_send_event(t("{}"), NULL), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_send_crash(t("{}"), NULL), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_set_tag(t("a"), t("b")), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_set_context(t("a"), t("{}")), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_set_user(t("a"), t(""), t("")), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_add_breadcrumb(t("a"), t("b"), SENTINEL_LEVEL_INFO), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_set_user_json(t("{}")), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_add_breadcrumb_json(t("{}")), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_flush(10), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_close(10), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_next_request(10, &request), SENTINEL_STATUS_NOT_INITIALISED);

  /* Options. */
  EXPECT(sentinel_options_new(t(dsn), NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_options_new(null_text, &options), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_options_new(no_utf8, &options), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_init(none), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_init(made_up), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_options_free(made_up), SENTINEL_STATUS_INVALID_HANDLE);
  OK(sentinel_options_new(t(dsn), &options));
  EXPECT(sentinel_options_set_release(options, no_utf8), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_options_set_release(none, t("1")), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_options_set_report_crashes(none, true), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_options_set_sdk_name(options, no_utf8), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_options_set_max_breadcrumbs(options, 101), SENTINEL_STATUS_INVALID_ARGUMENT);
  EXPECT(sentinel_options_set_sample_rate(options, 1.5), SENTINEL_STATUS_INVALID_ARGUMENT);
  EXPECT(sentinel_options_set_sample_rate(options, 0.0 / 0.0), SENTINEL_STATUS_INVALID_ARGUMENT);
  OK(sentinel_options_free(options));
  EXPECT(sentinel_options_free(options), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_options_set_app(options, t("x")), SENTINEL_STATUS_INVALID_HANDLE);
  OK(sentinel_options_new(t("http://nobody"), &options));
  EXPECT(sentinel_init(options), SENTINEL_STATUS_INVALID_DSN);
  EXPECT(sentinel_options_free(options), SENTINEL_STATUS_INVALID_HANDLE);

  options = options_for(dsn);
  OK(sentinel_options_set_report_crashes(options, true));
  unsetenv("ERROR_SENTINEL_SPOOL_DIR");
  EXPECT(sentinel_init(options), SENTINEL_STATUS_INVALID_ARGUMENT);

  /* While it runs. */
  options = options_for(dsn);
  OK(sentinel_options_deliver_by_host(options));
  /* To find the names of a stack takes valgrind a minute. */
  OK(sentinel_options_set_attach_stack(options, false));
  OK(sentinel_init(options));
  EXPECT(sentinel_init(options), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_init(options_for(dsn)), SENTINEL_STATUS_ALREADY_INITIALISED);
  EXPECT(sentinel_send_alert(null_text, NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_send_alert(no_utf8, NULL), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_send_alert(cut, NULL), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_send_event(t("[]"), NULL), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_send_event(t("{"), NULL), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_send_event(t(""), NULL), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_send_crash(t("[]"), NULL), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_send_crash(no_utf8, NULL), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_set_context(t("a"), t("[]")), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_set_context(no_utf8, t("{}")), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_add_breadcrumb(t("a"), t("b"), 9), SENTINEL_STATUS_INVALID_ARGUMENT);
  EXPECT(sentinel_add_breadcrumb(no_utf8, t("b"), SENTINEL_LEVEL_INFO), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_set_tag(t("a"), no_utf8), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_set_user(no_utf8, t(""), t("")), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_set_user_json(t("7")), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_set_user_json(null_text), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_add_breadcrumb_json(t("[]")), SENTINEL_STATUS_INVALID_JSON);
  EXPECT(sentinel_add_breadcrumb_json(no_utf8), SENTINEL_STATUS_INVALID_UTF8);
  OK(sentinel_set_user(t(""), t(""), t("")));

  /* Alerts. */
  EXPECT(sentinel_alert_new(t("a"), t("b"), NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_alert_new(no_utf8, t("b"), &alert), SENTINEL_STATUS_INVALID_UTF8);
  EXPECT(sentinel_alert_send(no_alert, NULL), SENTINEL_STATUS_INVALID_HANDLE);
  OK(sentinel_alert_new(t(""), t(""), &alert));
  EXPECT(sentinel_alert_add_frame(alert, NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_alert_set_level(alert, 0), SENTINEL_STATUS_INVALID_ARGUMENT);
  for (int count = 1; count < 50; count++) OK(sentinel_alert_add_cause(alert, t("a"), t("b")));
  EXPECT(sentinel_alert_add_cause(alert, t("a"), t("b")), SENTINEL_STATUS_INVALID_ARGUMENT);
  OK(sentinel_alert_free(alert));
  EXPECT(sentinel_alert_free(alert), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_alert_set_level(alert, SENTINEL_LEVEL_INFO), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_alert_send(alert, NULL), SENTINEL_STATUS_INVALID_HANDLE);

  /* Delivery by the host. */
  EXPECT(sentinel_next_request(10, NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_next_request(10, &request), SENTINEL_STATUS_TIMED_OUT);
  EXPECT(sentinel_request_url(no_request, &out), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_request_body(no_request, &data, &length), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_report_result(no_request, 200, NULL, 0), SENTINEL_STATUS_INVALID_HANDLE);
  EXPECT(sentinel_request_free(no_request), SENTINEL_STATUS_INVALID_HANDLE);
  OK(sentinel_send_alert(t("nobody delivers this"), NULL));
  OK(sentinel_next_request(60000, &request));
  EXPECT(sentinel_request_url(request, NULL), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_request_body(request, NULL, &length), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_report_result(request, 200, NULL, 3), SENTINEL_STATUS_NULL_POINTER);
  EXPECT(sentinel_request_free(request), SENTINEL_STATUS_INVALID_HANDLE);

  /* After the end. */
  EXPECT(sentinel_close(0), SENTINEL_STATUS_TIMED_OUT);
  EXPECT(sentinel_close(0), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_send_alert(t("x"), NULL), SENTINEL_STATUS_NOT_INITIALISED);
  EXPECT(sentinel_next_request(10, &request), SENTINEL_STATUS_NOT_INITIALISED);

#ifdef SENTINEL_HARNESS
  EXPECT(sentinel_panic_on_purpose(), SENTINEL_STATUS_PANIC);
#endif
  if (!sentinel_version().length || !sentinel_status_text(4711).length) return 1;
  return 0;
}

static void *sends(void *number) {
  for (int count = 0; count < 20; count++) {
    OK(sentinel_add_breadcrumb(t("thread"), t("one step"), SENTINEL_LEVEL_INFO));
    OK(sentinel_set_tag(t("thread"), t("one")));
    OK(sentinel_alert_send(refused_payment(), NULL));
  }
  return number;
}

/* 64 threads at once. */
static int threads(const char *dsn) {
  pthread_t all[64];
  OK(sentinel_init(options_for(dsn)));
  for (size_t n = 0; n < 64; n++)
    if (pthread_create(&all[n], NULL, sends, NULL)) return 1;
  for (size_t n = 0; n < 64; n++) pthread_join(all[n], NULL);
  OK(sentinel_close(30000));
  return 0;
}

/* Starts and ends again and again; with a folder, ready to crash. */
static int restarts(const char *count, const char *spool_folder) {
  for (long left = strtol(count, NULL, 10); left > 0; left--) {
    sentinel_options options = options_for("http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1");
    OK(sentinel_options_deliver_by_host(options));
    if (spool_folder) {
      OK(sentinel_options_set_spool_folder(options, t(spool_folder)));
      OK(sentinel_options_set_report_crashes(options, true));
    }
    OK(sentinel_init(options));
    if (spool_folder) {
      OK(sentinel_prepare_thread());
      OK(sentinel_refresh_modules());
    }
    OK(sentinel_set_tag(t("a"), t("b")));
    OK(sentinel_close(1000));
  }
  return 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static long answer_count = 0;

/* Delivers by its own hands: prints each request, and reads from standard input what came back. */
static void *delivers(void *unused) {
  sentinel_request request;
  uint32_t status;
  while ((status = sentinel_next_request(1000, &request)) != SENTINEL_STATUS_NOT_INITIALISED) {
    if (status == SENTINEL_STATUS_TIMED_OUT) continue;
    OK(status);
    sentinel_text url, authorisation;
    const void *body;
    size_t length;
    OK(sentinel_request_url(request, &url));
    OK(sentinel_request_authorisation(request, &authorisation));
    OK(sentinel_request_body(request, &body, &length));
    printf("%.*s\n%.*s\n%zu\n", (int)url.length, url.data, (int)authorisation.length, authorisation.data, length);
    fwrite(body, 1, length, stdout);
    fflush(stdout);
    int http_status;
    char retry_after[64];
    if (scanf("%d %63s", &http_status, retry_after) != 2) http_status = 0;
    sentinel_header header = {t("Retry-After"), t(retry_after)};
    OK(sentinel_report_result(request, (uint16_t)http_status, &header, http_status == 429));
    pthread_mutex_lock(&lock);
    answer_count++;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

/* Reports one alert, lets its own hands deliver until so many requests are answered, and ends. */
static int by_host(const char *dsn, const char *count, const char *spool_folder) {
  sentinel_options options = options_for(dsn);
  OK(sentinel_options_deliver_by_host(options));
  if (spool_folder) OK(sentinel_options_set_spool_folder(options, t(spool_folder)));
  OK(sentinel_init(options));
  pthread_t thread;
  if (pthread_create(&thread, NULL, delivers, NULL)) return 1;
  surroundings();
  OK(sentinel_alert_send(refused_payment(), NULL));
  pthread_mutex_lock(&lock);
  while (answer_count < strtol(count, NULL, 10)) pthread_cond_wait(&answered, &lock);
  pthread_mutex_unlock(&lock);
  uint32_t status = sentinel_close(1000);
  pthread_join(thread, NULL);
  return status == SENTINEL_STATUS_OK || status == SENTINEL_STATUS_TIMED_OUT ? 0 : 1;
}

int main(int count, char **words) {
  const char *command = count > 1 ? words[1] : "";
  if (!strcmp(command, "misuse")) return misuse();
  if (!strcmp(command, "everything") && count > 2) return everything(words[2]);
  if (!strcmp(command, "threads") && count > 2) return threads(words[2]);
  if (!strcmp(command, "restarts") && count > 2) return restarts(words[2], count > 3 ? words[3] : NULL);
  if (!strcmp(command, "by-host") && count > 3) return by_host(words[2], words[3], count > 4 ? words[4] : NULL);
  fprintf(stderr, "usage: harness misuse | everything DSN | threads DSN | restarts COUNT [SPOOL_FOLDER] | by-host DSN COUNT [SPOOL_FOLDER]\n");
  return 2;
}
