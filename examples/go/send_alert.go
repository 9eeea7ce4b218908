// Command send_alert raises an alarm with one line. ERROR_SENTINEL_DSN holds the DSN.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"
)

// SendAlert reports err. It waits five seconds at most and only ever complains on standard error.
func SendAlert(err error, level string) {
	if err == nil {
		return
	}
	dsn, failure := url.Parse(os.Getenv("ERROR_SENTINEL_DSN"))
	if failure == nil && dsn.User != nil {
		key := dsn.User.Username()
		dsn.User, dsn.Path = nil, path.Join(path.Dir(dsn.Path), "log-error")
		body, _ := json.Marshal(map[string]string{"message": err.Error(), "type": fmt.Sprintf("%T", err), "level": level})
		request, _ := http.NewRequest("POST", dsn.String(), bytes.NewReader(body))
		request.Header.Set("X-Sentinel-Key", key)
		var response *http.Response
		if response, failure = (&http.Client{Timeout: 5 * time.Second}).Do(request); failure == nil {
			response.Body.Close()
		}
	}
	if failure != nil {
		fmt.Fprintln(os.Stderr, "no alarm was sent:", failure)
	}
}

func main() {
	SendAlert(errors.New("The disk is on fire"), "fatal")
}
