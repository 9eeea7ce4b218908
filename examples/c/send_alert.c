/* The first alarm from C: send_alert DSN MESSAGE */
#include <error_sentinel.h>
#include <stdio.h>

int main(int count, char **words) {
  if (count != 3) return fprintf(stderr, "usage: send_alert DSN MESSAGE\n"), 2;
  sentinel_options options;
  sentinel_options_new(sentinel_text_of(words[1]), &options);
  sentinel_options_set_release(options, sentinel_text_of("shop@1.4.2"));
  sentinel_status status = sentinel_init(options);
  if (status == SENTINEL_STATUS_OK) {
    sentinel_event_id id;
    status = sentinel_send_alert(sentinel_text_of(words[2]), &id);
    if (status == SENTINEL_STATUS_OK) printf("%s\n", id.digits);
    if (status == SENTINEL_STATUS_OK) status = sentinel_close(5000);
  }
  if (status != SENTINEL_STATUS_OK) fprintf(stderr, "not sent: %s\n", sentinel_status_text(status).data);
  return status;
}
