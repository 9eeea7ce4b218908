/*
 * What LLVM's unwinder asks of a C library, and nothing more: declarations of what every C library has, written down here
 * because Android's own headers come with its development kit only. It prints nothing, since nobody reads it.
 */
#ifndef ERROR_SENTINEL_LIBC_H
#define ERROR_SENTINEL_LIBC_H

#include <stddef.h>
#include <stdint.h>

#define assert(condition) ((void)0)
#define fprintf(...) ((void)0)
#define fflush(stream) ((void)0)
#define snprintf(...) 0
#define PRIxPTR "lx"
#define PRIx32 "x"
#define PRIx64 "llx"
#define PRIu32 "u"
#define PRId64 "lld"

#ifdef __cplusplus
extern "C" {
#endif

void abort(void) __attribute__((noreturn));
void *malloc(size_t);
void free(void *);
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
size_t strlen(const char *);

typedef struct {
  const char *dli_fname;
  void *dli_fbase;
  const char *dli_sname;
  void *dli_saddr;
} Dl_info;
int dladdr(const void *, Dl_info *);

/* Android's own way to the tables of the library that an address is in, and to how many entries they have. */
typedef unsigned long _Unwind_Ptr;
_Unwind_Ptr dl_unwind_find_exidx(_Unwind_Ptr, int *);

#ifdef __cplusplus
}
#endif

#endif
