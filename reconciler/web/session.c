/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/web/secret.h"

enum { SESSIONS = 64, ID_BYTES = 32 };
static const int64_t idle_usec = 2ll * 3600 * 1000000, life_usec = 12ll * 3600 * 1000000;

struct session {
	char id[SESSION_TEXT_SIZE], form_token[SESSION_TEXT_SIZE];
	int64_t opened_usec, used_usec; /* 0: nobody's */
	char *notice;
};

struct sessions {
	pthread_mutex_t lock;
	struct session items[SESSIONS];
};

struct sessions *sessions_new(void)
{
	struct sessions *sessions = memory_new(sizeof(*sessions));

	pthread_mutex_init(&sessions->lock, NULL);
	return sessions;
}

static void close_one(struct session *session)
{
	free(session->notice);
	explicit_bzero(session, sizeof(*session));
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	for (size_t i = 0; i < SESSIONS; i++)
		close_one(&sessions->items[i]);
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

static void set_random(char text[static SESSION_TEXT_SIZE])
{
	autofree char *random = secret_random(ID_BYTES);

	memcpy(text, random, SESSION_TEXT_SIZE);
}

void sessions_open(struct sessions *sessions, char id[static SESSION_TEXT_SIZE])
{
	struct session *session = &sessions->items[0];

	pthread_mutex_lock(&sessions->lock);
	for (size_t i = 1; i < SESSIONS; i++)
		if (sessions->items[i].used_usec < session->used_usec)
			session = &sessions->items[i];
	close_one(session);
	set_random(session->id);
	set_random(session->form_token);
	session->opened_usec = session->used_usec = moment_elapsed_usec();
	memcpy(id, session->id, SESSION_TEXT_SIZE);
	pthread_mutex_unlock(&sessions->lock);
}

/* Called with the lock. NULL if it is not open, or too old. */
static struct session *find(struct sessions *sessions, const char *id)
{
	int64_t now_usec = moment_elapsed_usec();

	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *session = &sessions->items[i];
		if (!session->used_usec ||
			!secret_same(session->id, SESSION_TEXT_SIZE - 1, id, strlen(id)))
			continue;
		if (session->used_usec + idle_usec > now_usec &&
			session->opened_usec + life_usec > now_usec)
			return session;
		close_one(session);
	}
	return NULL;
}

void sessions_close(struct sessions *sessions, const char *id)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	if (session)
		close_one(session);
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_find(struct sessions *sessions, const char *id, struct request *request)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	if (session) {
		session->used_usec = moment_elapsed_usec();
		request->signed_in = true;
		memcpy(request->session, session->id, SESSION_TEXT_SIZE);
		memcpy(request->form_token, session->form_token, SESSION_TEXT_SIZE);
	}
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_tell(struct sessions *sessions, const char *id, char *text)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	if (session) {
		free(session->notice);
		session->notice = TAKE(text);
	}
	pthread_mutex_unlock(&sessions->lock);
	free(text);
}

char *sessions_told(struct sessions *sessions, const char *id)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	char *notice = session ? TAKE(session->notice) : NULL;
	pthread_mutex_unlock(&sessions->lock);
	return notice;
}
