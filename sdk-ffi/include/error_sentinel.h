/*
 * Error Sentinel for C and C++: the alarm that tells a team its software is breaking.
 *
 * Every function may be called from any thread, returns at once unless it takes a timeout, and answers every mistake with
 * a status: it never crashes. Text is UTF-8, given as a pointer and a length. What a function gives out is written only
 * when it returns SENTINEL_STATUS_OK.
 *
 * Made from src/ by cbindgen; do not edit.
 */

#ifndef ERROR_SENTINEL_H
#define ERROR_SENTINEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * For those who look for something.
 */
#define SENTINEL_LEVEL_DEBUG 1

/**
 * As it should be.
 */
#define SENTINEL_LEVEL_INFO 2

/**
 * Not yet an error.
 */
#define SENTINEL_LEVEL_WARNING 3

/**
 * Something failed. What counts when nothing is said.
 */
#define SENTINEL_LEVEL_ERROR 4

/**
 * Everything failed; rings at once.
 */
#define SENTINEL_LEVEL_FATAL 5

/**
 * How a call ended. A number keeps its meaning for ever and is never given to another one.
 */
enum sentinel_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It did what it says.
   */
  SENTINEL_STATUS_OK = 0,
  /**
   * A pointer is NULL that must not be.
   */
  SENTINEL_STATUS_NULL_POINTER = 1,
  /**
   * A text is not UTF-8.
   */
  SENTINEL_STATUS_INVALID_UTF8 = 2,
  /**
   * The handle was never given out, or is freed already.
   */
  SENTINEL_STATUS_INVALID_HANDLE = 3,
  /**
   * The DSN is none; the collector's dashboard shows the right one.
   */
  SENTINEL_STATUS_INVALID_DSN = 4,
  /**
   * A number is outside of what is allowed.
   */
  SENTINEL_STATUS_INVALID_ARGUMENT = 5,
  /**
   * The text is not a JSON object.
   */
  SENTINEL_STATUS_INVALID_JSON = 6,
  /**
   * There was no successful sentinel_init, or sentinel_close since.
   */
  SENTINEL_STATUS_NOT_INITIALISED = 10,
  /**
   * There was a sentinel_init already, and no sentinel_close since.
   */
  SENTINEL_STATUS_ALREADY_INITIALISED = 11,
  /**
   * The time was over first.
   */
  SENTINEL_STATUS_TIMED_OUT = 12,
  /**
   * This library was built without the feature that it takes.
   */
  SENTINEL_STATUS_NOT_BUILT_IN = 13,
  /**
   * A defect of Error Sentinel, caught at its border; nothing is wrong with the program.
   */
  SENTINEL_STATUS_PANIC = 99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum sentinel_status sentinel_status;
#else
typedef uint32_t sentinel_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Borrowed UTF-8. What a caller passes is copied before the call returns; what a function gives lives as long as its
 * documentation says. `data` may be NULL when `length` is 0.
 */
typedef struct sentinel_text {
  /**
   * First byte.
   */
  const char *data;
  /**
   * Bytes, without a zero byte at the end.
   */
  size_t length;
} sentinel_text;

/**
 * The name under which the collector shows an event: 32 hexadecimal digits and a zero byte.
 */
typedef struct sentinel_event_id {
  /**
   * The digits, ready to be printed.
   */
  char digits[33];
} sentinel_event_id;

/**
 * An alert being put together; freed by sentinel_alert_send or sentinel_alert_free. A handle of zero is none.
 */
typedef struct sentinel_alert {
  /**
   * Means nothing to anybody else.
   */
  uint64_t number;
} sentinel_alert;

/**
 * One call of a stack. What is not known is an empty text or 0.
 */
typedef struct sentinel_frame {
  /**
   * The function.
   */
  struct sentinel_text function;
  /**
   * The namespace, class or module that it belongs to.
   */
  struct sentinel_text module;
  /**
   * The source file.
   */
  struct sentinel_text file;
  /**
   * Line in it, from 1.
   */
  uint32_t line;
  /**
   * Column in that, from 1.
   */
  uint32_t column;
  /**
   * Where the processor was.
   */
  uint64_t instruction_address;
  /**
   * Whether it is the application's own code: 1 yes, 0 no, -1 for the collector to decide.
   */
  int8_t is_in_app;
} sentinel_frame;

/**
 * A request that the host is to send; freed by sentinel_report_result or sentinel_request_free. A handle of zero is
 * none.
 */
typedef struct sentinel_request {
  /**
   * Means nothing to anybody else.
   */
  uint64_t number;
} sentinel_request;

/**
 * One header of an answer.
 */
typedef struct sentinel_header {
  /**
   * Its name, in any case.
   */
  struct sentinel_text name;
  /**
   * Its value.
   */
  struct sentinel_text value;
} sentinel_header;

/**
 * Options being gathered; freed by sentinel_init or sentinel_options_free. A handle of zero is none.
 */
typedef struct sentinel_options {
  /**
   * Means nothing to anybody else.
   */
  uint64_t number;
} sentinel_options;

/**
 * Every status, for those who list them.
 */
#define sentinel_status_ALL { sentinel_status_Ok, sentinel_status_NullPointer, sentinel_status_InvalidUtf8, sentinel_status_InvalidHandle, sentinel_status_InvalidDsn, sentinel_status_InvalidArgument, sentinel_status_InvalidJson, sentinel_status_NotInitialised, sentinel_status_AlreadyInitialised, sentinel_status_TimedOut, sentinel_status_NotBuiltIn, sentinel_status_Panic, }

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Reports a text, with the stack that this is called from. `out` may be NULL.
 *
 * # Safety
 * `message` can be read, and `out` is NULL or can be written to.
 */
sentinel_status sentinel_send_alert(struct sentinel_text message, struct sentinel_event_id *out);

/**
 * Reports an event that is JSON already, as the Sentry protocol has it. Its own id, time and stack are kept. `out` may
 * be NULL.
 *
 * # Safety
 * `json` can be read, and `out` is NULL or can be written to.
 */
sentinel_status sentinel_send_event(struct sentinel_text json,
                                    struct sentinel_event_id *out);

/**
 * Reports an event that is JSON already, of a program that is about to end by it. It is reported whatever the sample
 * rate says, and with a spool folder it is on disk when this returns, which can take up to two seconds. `out` may be
 * NULL.
 *
 * # Safety
 * `json` can be read, and `out` is NULL or can be written to.
 */
sentinel_status sentinel_send_crash(struct sentinel_text json,
                                    struct sentinel_event_id *out);

/**
 * Begins the alert of an error with a type and what it says, and writes its handle to `out`. Both texts may be empty.
 *
 * # Safety
 * Both texts can be read, and `out` is NULL or can be written to.
 */
sentinel_status sentinel_alert_new(struct sentinel_text kind,
                                   struct sentinel_text message,
                                   struct sentinel_alert *out);

/**
 * Adds what the error before was caused by; frames added from now on are those of the cause.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_alert_add_cause(struct sentinel_alert alert,
                                         struct sentinel_text kind,
                                         struct sentinel_text message);

/**
 * Adds the next call of the stack, the newest first, as backtrace(3) gives them.
 *
 * # Safety
 * `frame` is NULL or points to a frame whose texts can be read.
 */
sentinel_status sentinel_alert_add_frame(struct sentinel_alert alert, const struct sentinel_frame *frame);

/**
 * Says how bad it is; SENTINEL_LEVEL_ERROR unless said otherwise.
 */
sentinel_status sentinel_alert_set_level(struct sentinel_alert alert, uint32_t level);

/**
 * Says what language the error is of, such as `java`; `native` unless said otherwise.
 *
 * # Safety
 * `platform` can be read.
 */
sentinel_status sentinel_alert_set_platform(struct sentinel_alert alert, struct sentinel_text platform);

/**
 * Says how it was noticed, such as `signal`, and whether the application dealt with it.
 *
 * # Safety
 * `kind` can be read.
 */
sentinel_status sentinel_alert_set_mechanism(struct sentinel_alert alert,
                                             struct sentinel_text kind,
                                             bool is_handled);

/**
 * Labels this alert only.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_alert_set_tag(struct sentinel_alert alert,
                                       struct sentinel_text key,
                                       struct sentinel_text value);

/**
 * Adds a fact to this alert only.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_alert_set_extra(struct sentinel_alert alert,
                                         struct sentinel_text key,
                                         struct sentinel_text value);

/**
 * Adds a part of what decides which issue this belongs to, in place of its stack.
 *
 * # Safety
 * `part` can be read.
 */
sentinel_status sentinel_alert_add_fingerprint(struct sentinel_alert alert, struct sentinel_text part);

/**
 * Reports an alert, and takes it: whatever it returns, the handle is freed. Without frames it takes along the stack that
 * this is called from. `out` may be NULL.
 *
 * # Safety
 * `out` is NULL or can be written to.
 */
sentinel_status sentinel_alert_send(struct sentinel_alert alert,
                                    struct sentinel_event_id *out);

/**
 * Frees an alert that is not to be sent.
 */
sentinel_status sentinel_alert_free(struct sentinel_alert alert);

#if defined(SENTINEL_HARNESS)
/**
 * Panics inside, to show that nothing of it gets out.
 */
sentinel_status sentinel_panic_on_purpose(void);
#endif

/**
 * Remembers one step; the last ones travel with every alert. `category` may be empty.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_add_breadcrumb(struct sentinel_text category,
                                        struct sentinel_text message,
                                        uint32_t level);

/**
 * Remembers one step that is a JSON object, as the Sentry protocol has it: with a time, a type and data of its own.
 *
 * # Safety
 * `json` can be read.
 */
sentinel_status sentinel_add_breadcrumb_json(struct sentinel_text json);

/**
 * Gives the calling thread a stack of its own to die on, unless it has one, so that a crash of it is reported even
 * when its own stack is used up. Call it once on each thread that your program starts; the one that calls
 * sentinel_init has got it. It is given back when the thread ends.
 *
 * Returns SENTINEL_STATUS_NOT_BUILT_IN where crashes cannot be reported, or there is no memory for it.
 */
sentinel_status sentinel_prepare_thread(void);

/**
 * Looks again at which libraries are loaded, so that the report of a crash knows their functions. The start does it;
 * call it after you have loaded more.
 */
sentinel_status sentinel_refresh_modules(void);

/**
 * Waits for a request to send, at most `timeout_ms` milliseconds, and writes its handle to `out`. Call it again and
 * again on a thread of your own. POST what it says, and hand what came back to sentinel_report_result.
 *
 * Returns SENTINEL_STATUS_TIMED_OUT when there was nothing to send, and SENTINEL_STATUS_NOT_INITIALISED when there will
 * be nothing any more.
 *
 * # Safety
 * `out` is NULL or can be written to.
 */
sentinel_status sentinel_next_request(uint32_t timeout_ms,
                                      struct sentinel_request *out);

/**
 * Gives the URL to POST to. Lives until the request is freed.
 *
 * # Safety
 * `out` is NULL or can be written to.
 */
sentinel_status sentinel_request_url(struct sentinel_request request, struct sentinel_text *out);

/**
 * Gives the value of the header X-Sentry-Auth. Lives until the request is freed. The header Content-Type is
 * `application/x-sentry-envelope`.
 *
 * # Safety
 * `out` is NULL or can be written to.
 */
sentinel_status sentinel_request_authorisation(struct sentinel_request request, struct sentinel_text *out);

/**
 * Gives the body. Lives until the request is freed.
 *
 * # Safety
 * `out_data` and `out_length` are NULL or can be written to.
 */
sentinel_status sentinel_request_body(struct sentinel_request request,
                                      const void **out_data,
                                      size_t *out_length);

/**
 * Says what came back for a request, and takes it: whatever it returns, the handle is freed. `http_status` is 0 when
 * there was no answer; then it is tried again later. Pass all headers of the answer: they say when to send again.
 *
 * # Safety
 * `headers` is NULL or points to `header_count` headers whose texts can be read.
 */
sentinel_status sentinel_report_result(struct sentinel_request request,
                                       uint16_t http_status,
                                       const struct sentinel_header *headers,
                                       size_t header_count);

/**
 * Frees a request without an answer; it is tried again later.
 */
sentinel_status sentinel_request_free(struct sentinel_request request);

/**
 * Starts reporting, and takes the options: whatever it returns, their handle is freed.
 *
 * With an empty DSN, and none in the environment variable ERROR_SENTINEL_DSN, nothing is reported and every call does
 * nothing, as fast as it can.
 *
 * Returns SENTINEL_STATUS_INVALID_DSN for a DSN that is none, and SENTINEL_STATUS_ALREADY_INITIALISED between an init
 * and its sentinel_close.
 */
sentinel_status sentinel_init(struct sentinel_options options);

/**
 * Waits until everything reported before has left, at most `timeout_ms` milliseconds.
 *
 * Returns SENTINEL_STATUS_TIMED_OUT when something has not; it is still on its way.
 */
sentinel_status sentinel_flush(uint32_t timeout_ms);

/**
 * Ends reporting, after what is on its way had up to `timeout_ms` milliseconds to leave. After it sentinel_init may be
 * called again.
 *
 * Returns SENTINEL_STATUS_TIMED_OUT when something was left: with a spool folder it is sent after the next start,
 * without one it is lost.
 */
sentinel_status sentinel_close(uint32_t timeout_ms);

/**
 * Begins options for a DSN, and writes their handle to `out`.
 *
 * # Safety
 * `dsn` can be read, and `out` is NULL or can be written to.
 */
sentinel_status sentinel_options_new(struct sentinel_text dsn, struct sentinel_options *out);

/**
 * Frees options that no sentinel_init has taken.
 */
sentinel_status sentinel_options_free(struct sentinel_options options);

/**
 * Says the version of the application, such as `shop@1.4.2`.
 *
 * # Safety
 * `release` can be read.
 */
sentinel_status sentinel_options_set_release(struct sentinel_options options, struct sentinel_text release);

/**
 * Says where it runs: `production`, `staging`…
 *
 * # Safety
 * `environment` can be read.
 */
sentinel_status sentinel_options_set_environment(struct sentinel_options options,
                                                 struct sentinel_text environment);

/**
 * Names the application, where one project has several.
 *
 * # Safety
 * `app` can be read.
 */
sentinel_status sentinel_options_set_app(struct sentinel_options options, struct sentinel_text app);

/**
 * Names the machine.
 *
 * # Safety
 * `name` can be read.
 */
sentinel_status sentinel_options_set_server_name(struct sentinel_options options, struct sentinel_text name);

/**
 * Names what speaks for the library where another language wraps it; `error-sentinel.native` unless said otherwise.
 *
 * # Safety
 * `name` can be read.
 */
sentinel_status sentinel_options_set_sdk_name(struct sentinel_options options,
                                              struct sentinel_text name);

/**
 * Keeps every event in this folder until the collector has stored it, so that neither a crash nor a dead network loses
 * it; what is left is sent after the next start. Without it nothing is written to disk.
 *
 * # Safety
 * `folder` can be read.
 */
sentinel_status sentinel_options_set_spool_folder(struct sentinel_options options,
                                                  struct sentinel_text folder);

/**
 * Reports that the process died of a signal: SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE. What it was doing, its
 * registers and the calls that led there, with its last breadcrumbs, tags and user, is written to the spool folder and
 * sent after the next start. Handlers that were there before run all the same, and the exit status stays as it is.
 * Nothing is recorded unless this is said. sentinel_init returns SENTINEL_STATUS_INVALID_ARGUMENT where there is no
 * spool folder.
 *
 * Threads that use up their stack are reported where they have another one to die on: see sentinel_prepare_thread. Not
 * for programs whose runtime itself lives of these signals, such as a Java virtual machine on a desktop.
 *
 * Returns SENTINEL_STATUS_NOT_BUILT_IN on systems and processors that it does not work on: it does on Linux and Android,
 * on x86-64 and 64-bit ARM.
 */
sentinel_status sentinel_options_set_report_crashes(struct sentinel_options options,
                                                    bool is_reported);

/**
 * Says how many breadcrumbs are remembered: 20 unless said otherwise, 100 at most.
 */
sentinel_status sentinel_options_set_max_breadcrumbs(struct sentinel_options options, size_t count);

/**
 * Reports only this share of all alerts, from 0 to 1; those left out are counted.
 */
sentinel_status sentinel_options_set_sample_rate(struct sentinel_options options, double rate);

/**
 * Says whether an alert that brings no frames takes along the stack that it is raised from. It does unless told not to.
 */
sentinel_status sentinel_options_set_attach_stack(struct sentinel_options options,
                                                  bool is_attached);

/**
 * Lets the host deliver, by its own HTTP, with its own proxies and certificates: see sentinel_next_request.
 */
sentinel_status sentinel_options_deliver_by_host(struct sentinel_options options);

#if defined(SENTINEL_HARNESS)
/**
 * What every envelope says about when it was sent, in place of the time, for tests that compare it byte for byte.
 *
 * # Safety
 * `time` can be read.
 */
sentinel_status sentinel_options_set_sent_at(struct sentinel_options options,
                                             struct sentinel_text time);
#endif

/**
 * Labels every alert from now on.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_set_tag(struct sentinel_text key, struct sentinel_text value);

/**
 * Says whose work every alert from now on is about. What is not known is an empty text; with nothing known it is
 * nobody's.
 *
 * # Safety
 * All texts can be read.
 */
sentinel_status sentinel_set_user(struct sentinel_text id,
                                  struct sentinel_text email,
                                  struct sentinel_text name);

/**
 * Adds a named set of facts to every alert from now on, such as `device`; `json` is an object.
 *
 * # Safety
 * Both texts can be read.
 */
sentinel_status sentinel_set_context(struct sentinel_text name, struct sentinel_text json);

/**
 * Says the same as sentinel_set_user, and anything more, by a JSON object as the Sentry protocol has it.
 *
 * # Safety
 * `json` can be read.
 */
sentinel_status sentinel_set_user_json(struct sentinel_text json);

/**
 * Says in words how a call ended; of a number that is no status, so much.
 *
 * The text lives for ever and ends with a zero byte too, as C prints it.
 */
struct sentinel_text sentinel_status_text(uint32_t status);

/**
 * The version of this library, such as `0.1.0`. The text lives for ever and ends with a zero byte too.
 */
struct sentinel_text sentinel_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ERROR_SENTINEL_H */

/** Borrows a text that ends with a zero byte. NULL is an empty text. */
static inline struct sentinel_text sentinel_text_of(const char *text) {
  struct sentinel_text borrowed;
  borrowed.data = text;
  borrowed.length = text ? strlen(text) : 0;
  return borrowed;
}
