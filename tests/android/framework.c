/*
 * What Android's framework has in C++, as far as the classes that the tests load ask for it: a log, the clock, the
 * queue of a thread's messages. The classes themselves are the real ones.
 */
#include <jni.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NATIVE(result, name) JNIEXPORT result JNICALL Java_##name

NATIVE(jboolean, android_util_Log_isLoggable)(JNIEnv *env, jclass class, jstring tag, jint level) {
  (void)env, (void)class, (void)tag;
  return level >= 4;
}

NATIVE(jint, android_util_Log_println_1native)(JNIEnv *env, jclass class, jint buffer, jint level, jstring tag, jstring text) {
  (void)class, (void)buffer;
  const char *tag_bytes = tag ? (*env)->GetStringUTFChars(env, tag, NULL) : NULL;
  const char *text_bytes = text ? (*env)->GetStringUTFChars(env, text, NULL) : NULL;
  if (tag_bytes && text_bytes) fprintf(stderr, "log %d %s: %s\n", (int)level, tag_bytes, text_bytes);
  if (tag_bytes) (*env)->ReleaseStringUTFChars(env, tag, tag_bytes);
  if (text_bytes) (*env)->ReleaseStringUTFChars(env, text, text_bytes);
  return 0;
}

/* What the system says of itself; everything else is not known. */
static const char *const PROPERTIES[][2] = {
    {"ro.product.cpu.abilist", "x86_64"},
    {"ro.product.cpu.abilist32", "x86"},
    {"ro.product.cpu.abilist64", "x86_64"},
    {"ro.build.version.release", "5.0.2"},
    {"ro.build.version.sdk", "21"},
    {"ro.build.version.all_codenames", "REL"},
};

static const char *property_of(JNIEnv *env, jstring key) {
  const char *found = NULL;
  const char *name = (*env)->GetStringUTFChars(env, key, NULL);
  if (!name) return NULL;
  for (size_t at = 0; at < sizeof PROPERTIES / sizeof *PROPERTIES; at++) {
    if (!strcmp(name, PROPERTIES[at][0])) found = PROPERTIES[at][1];
  }
  (*env)->ReleaseStringUTFChars(env, key, name);
  return found;
}

static jstring property(JNIEnv *env, jstring key, jstring otherwise) {
  const char *found = property_of(env, key);
  if (found) return (*env)->NewStringUTF(env, found);
  return otherwise ? otherwise : (*env)->NewStringUTF(env, "");
}

NATIVE(jstring, android_os_SystemProperties_native_1get__Ljava_lang_String_2Ljava_lang_String_2)
(JNIEnv *env, jclass class, jstring key, jstring otherwise) {
  (void)class;
  return property(env, key, otherwise);
}

NATIVE(jstring, android_os_SystemProperties_native_1get__Ljava_lang_String_2)(JNIEnv *env, jclass class, jstring key) {
  (void)class;
  return property(env, key, NULL);
}

NATIVE(jint, android_os_SystemProperties_native_1get_1int)(JNIEnv *env, jclass class, jstring key, jint otherwise) {
  (void)class;
  const char *found = property_of(env, key);
  return found ? (jint)strtol(found, NULL, 10) : otherwise;
}

NATIVE(jlong, android_os_SystemProperties_native_1get_1long)(JNIEnv *env, jclass class, jstring key, jlong otherwise) {
  (void)env, (void)class, (void)key;
  return otherwise;
}

NATIVE(jboolean, android_os_SystemProperties_native_1get_1boolean)
(JNIEnv *env, jclass class, jstring key, jboolean otherwise) {
  (void)env, (void)class, (void)key;
  return otherwise;
}

static jlong now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (jlong)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

NATIVE(jlong, android_os_SystemClock_uptimeMillis)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  return now_ms();
}

NATIVE(jlong, android_os_SystemClock_elapsedRealtime)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  return now_ms();
}

NATIVE(jboolean, dalvik_system_VMDebug_isDebuggerConnected)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  return JNI_FALSE;
}

NATIVE(jlong, android_os_Binder_clearCallingIdentity)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  return 0;
}

NATIVE(void, android_os_Binder_restoreCallingIdentity)(JNIEnv *env, jclass class, jlong token) {
  (void)env, (void)class, (void)token;
}

NATIVE(void, android_os_Binder_flushPendingCommands)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
}

NATIVE(jboolean, dalvik_system_VMRuntime_is64Bit)(JNIEnv *env, jobject self) {
  (void)env, (void)self;
  return JNI_TRUE;
}

NATIVE(jobject, dalvik_system_VMRuntime_newUnpaddedArray)(JNIEnv *env, jobject self, jclass type, jint length) {
  (void)self;
  jclass arrays = (*env)->FindClass(env, "java/lang/reflect/Array");
  if (!arrays) return NULL;
  jmethodID make = (*env)->GetStaticMethodID(env, arrays, "newInstance", "(Ljava/lang/Class;I)Ljava/lang/Object;");
  return make ? (*env)->CallStaticObjectMethod(env, arrays, make, type, length) : NULL;
}

NATIVE(jint, libcore_io_Posix_getuid)(JNIEnv *env, jobject self) {
  (void)env, (void)self;
  return (jint)getuid();
}

/* A library of the application that breaks. */
__attribute__((noinline)) void harness_die(volatile int *nowhere) { *nowhere = 7; }

__attribute__((noinline)) int harness_middle(int at) {
  harness_die((volatile int *)(intptr_t)at);
  return at + 1;
}

NATIVE(void, io_github_errorsentinel_Harness_dieNatively)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  if (harness_middle(8)) abort();
}

/* A queue of messages: somebody waits in it, somebody wakes it. */
struct queue {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int is_awake;
};

NATIVE(jlong, android_os_MessageQueue_nativeInit)(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  struct queue *queue = calloc(1, sizeof *queue);
  pthread_condattr_t attributes;
  if (!queue) abort();
  pthread_mutex_init(&queue->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&queue->changed, &attributes);
  return (jlong)(intptr_t)queue;
}

NATIVE(void, android_os_MessageQueue_nativeDestroy)(JNIEnv *env, jclass class, jlong pointer) {
  (void)env, (void)class;
  free((void *)(intptr_t)pointer);
}

NATIVE(void, android_os_MessageQueue_nativePollOnce)(JNIEnv *env, jclass class, jlong pointer, jint timeout_ms) {
  (void)env, (void)class;
  struct queue *queue = (struct queue *)(intptr_t)pointer;
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  if (timeout_ms > 0) {
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&queue->lock);
  while (!queue->is_awake && timeout_ms != 0) {
    if (timeout_ms < 0) {
      pthread_cond_wait(&queue->changed, &queue->lock);
    } else if (pthread_cond_timedwait(&queue->changed, &queue->lock, &until)) {
      break;
    }
  }
  queue->is_awake = 0;
  pthread_mutex_unlock(&queue->lock);
}

NATIVE(void, android_os_MessageQueue_nativeWake)(JNIEnv *env, jclass class, jlong pointer) {
  (void)env, (void)class;
  struct queue *queue = (struct queue *)(intptr_t)pointer;
  pthread_mutex_lock(&queue->lock);
  queue->is_awake = 1;
  pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
}

NATIVE(jboolean, android_os_MessageQueue_nativeIsIdling)(JNIEnv *env, jclass class, jlong pointer) {
  (void)env, (void)class, (void)pointer;
  return JNI_FALSE;
}
