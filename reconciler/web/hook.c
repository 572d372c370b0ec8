/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/hook.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	SECRETS_MOST = 16, /* of one repository */
	REPLAYS = 4096,
	REPLAY_USEC = 10 * 60 * 1000 * 1000,
};

/* ---- deliveries that came before ---- */

struct replays {
	pthread_mutex_t lock;
	struct {
		struct digest digest;
		int64_t usec; /* 0: unused */
	} items[REPLAYS];
	size_t next;
};

struct replays *replays_new(void)
{
	struct replays *replays = memory_new(sizeof(*replays));

	pthread_mutex_init(&replays->lock, NULL);
	return replays;
}

void replays_free(struct replays *replays)
{
	if (!replays)
		return;
	pthread_mutex_destroy(&replays->lock);
	free(replays);
}

/* True if it came before; from now on it did. */
static bool note_delivery(struct replays *replays, const char *repository, const char *what,
	const void *bytes, size_t size)
{
	CLEANUP(text_clear) struct text text = {0};
	int64_t now_usec = moment_elapsed_usec();
	struct digest digest;
	bool seen = false;

	text_addf(&text, "%s %s ", repository, what);
	text_add_bytes(&text, bytes, size);
	digest_of(text.data, text.size, &digest);
	pthread_mutex_lock(&replays->lock);
	for (size_t i = 0; i < REPLAYS && !seen; i++)
		seen = replays->items[i].usec && replays->items[i].usec + REPLAY_USEC > now_usec &&
		       digest_equal(&replays->items[i].digest, &digest);
	if (!seen) {
		replays->items[replays->next].digest = digest;
		replays->items[replays->next].usec = now_usec;
		replays->next = (replays->next + 1) % REPLAYS;
	}
	pthread_mutex_unlock(&replays->lock);
	return seen;
}

/* ---- one that comes in ---- */

struct receipt {
	struct digest_stream *body;
	struct signature *signatures[SECRETS_MOST];
	struct digest claimed[SECRETS_MOST]; /* what each must come out as */
	size_t count;
	bool known;    /* the repository has hooks */
	bool verified; /* its sender showed the secret itself */
};

static const char *find_bearer(const struct request *request)
{
	const char *value = request_header(request, "Authorization");

	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	return value + 7;
}

/* The header by which a sender of that kind shows that it knows the secret; NULL if it is not there. */
static const char *find_claim(const struct request *request, enum hook_kind kind)
{
	const char *value;

	switch (kind) {
	case HOOK_GITHUB:
		value = request_header(request, "X-Hub-Signature-256");
		return value && text_starts_with(value, "sha256=") ? value + 7 : NULL;
	case HOOK_GITEA:
		return request_header(request, "X-Gitea-Signature");
	case HOOK_GITLAB:
		return request_header(request, "X-Gitlab-Token");
	default:
		return find_bearer(request);
	}
}

static bool is_signed(enum hook_kind kind)
{
	return kind == HOOK_GITHUB || kind == HOOK_GITEA;
}

/* What is claimed is compared with SECRET, now or when the body is there. */
static void compare(struct receipt *receipt, enum hook_kind kind, const char *claim,
	const struct secret *secret)
{
	struct digest claimed = {{0}};

	if (!is_signed(kind)) {
		receipt->verified |= secret_is(secret, claim);
	} else if (receipt->count < SECRETS_MOST &&
		   digest_read_hex(claim, claimed.bytes, DIGEST_SIZE)) {
		receipt->claimed[receipt->count] = claimed;
		receipt->signatures[receipt->count++] = signature_new(secret);
	}
}

static void compare_all(
	struct web *web, const struct request *request, const char *name, struct receipt *receipt)
{
	pthread_rwlock_rdlock(&web->lock);
	for (size_t i = 0; i < web->settings.hook_count; i++) {
		const struct hook *hook = &web->settings.hooks[i];
		if (strcmp(hook->repository, name) != 0)
			continue;
		const char *claim = find_claim(request, hook->kind);
		receipt->known = true;
		for (size_t s = 0; claim && s < hook->secret_count; s++)
			compare(receipt, hook->kind, claim, &hook->secrets[s]);
	}
	pthread_rwlock_unlock(&web->lock);
	/* a repository that is not there costs what a wrong signature does */
	for (enum hook_kind kind = HOOK_NONE + 1; kind < HOOK_KIND_COUNT && !receipt->known;
		kind++) {
		const char *claim = find_claim(request, kind);
		if (claim)
			compare(receipt, kind, claim, &web->nobody);
	}
}

static void count(struct web *web, enum hook_result result)
{
	atomic_fetch_add(&web->hooks[result], 1);
}

static void refuse(
	struct web *web, const struct request *request, bool known, struct response *response)
{
	int wait_sec = limiter_count(web->hook_limiter, &request->peer, moment_elapsed_usec());
	char text[16];

	if (wait_sec) {
		snprintf(text, sizeof(text), "%d", wait_sec);
		response_text(response, 429, "too many wrong hooks: again in %d s", wait_sec);
		response_header(response, "Retry-After", text);
		count(web, HOOK_LIMITED);
	} else if (known) {
		response_text(response, 403, "the signature or the token is missing or wrong");
		count(web, HOOK_REFUSED);
	} else {
		response_text(response, 404, "no such repository has hooks here");
		count(web, HOOK_UNKNOWN);
	}
}

void hook_begin(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	struct receipt *receipt = memory_new(sizeof(*receipt));

	request->hook = receipt;
	receipt->body = digest_stream_new(DIGEST_SHA256);
	compare_all(web, request, request->rest, receipt);
	/* nothing in the body can make it right */
	if (!receipt->verified && !receipt->count)
		refuse(web, request, receipt->known, response);
}

void hook_take(struct request *request, const void *bytes, size_t size)
{
	struct receipt *receipt = request->hook;

	digest_stream_add(receipt->body, bytes, size);
	for (size_t i = 0; i < receipt->count; i++)
		signature_add(receipt->signatures[i], bytes, size);
}

/* All are compared, whichever is right. */
static bool check_signatures(struct receipt *receipt)
{
	bool right = false;

	for (size_t i = 0; i < receipt->count; i++) {
		struct digest digest;
		signature_end(receipt->signatures[i], &digest);
		right |= secret_same(
			digest.bytes, DIGEST_SIZE, receipt->claimed[i].bytes, DIGEST_SIZE);
	}
	return right;
}

/* By its id, and if it is signed by its body: the id is not. */
static bool is_replay(struct web *web, const struct request *request, struct receipt *receipt)
{
	static const char *const names[] = {
		"X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gitlab-Event-UUID"};
	unsigned char body[DIGEST_SIZE];
	bool seen = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *id = request_header(request, names[i]);
		if (id && *id)
			seen |= note_delivery(
				web->replays, request->rest, "delivery", id, strlen(id));
	}
	digest_stream_end(receipt->body, body);
	if (receipt->count)
		seen |= note_delivery(web->replays, request->rest, "body", body, sizeof(body));
	return seen;
}

/* Events that move no ref, as GitHub and Gitea call them. What has no such name is taken for a push. */
static bool is_idle(const struct request *request)
{
	const char *event = request_header(request, "X-GitHub-Event");

	if (!event)
		event = request_header(request, "X-Gitea-Event");
	return event && strcmp(event, "push") != 0 && strcmp(event, "create") != 0 &&
	       strcmp(event, "delete") != 0;
}

void hook_answer(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	struct receipt *receipt = request->hook;
	bool right = check_signatures(receipt) || receipt->verified;

	if (!right || !receipt->known) {
		refuse(web, request, receipt->known, response);
	} else if (is_idle(request)) {
		response_text(response, 200, "nothing to do for this event");
		count(web, HOOK_IGNORED);
	} else if (is_replay(web, request, receipt)) {
		response_text(response, 200, "this delivery came before");
		count(web, HOOK_REPLAYED);
	} else {
		polls_want(web->polls, request->rest);
		response_text(response, 202, "%s will be looked at", request->rest);
		count(web, HOOK_ACCEPTED);
	}
}

void hook_end(struct request *request)
{
	struct receipt *receipt = request->hook;

	if (!receipt)
		return;
	for (size_t i = 0; i < receipt->count; i++)
		signature_free(receipt->signatures[i]);
	digest_stream_free(receipt->body);
	free(receipt);
	request->hook = NULL;
}
