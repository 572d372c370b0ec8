/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/freeze.h"

/* The last time that SPAN began, after AFTER and up to NOW; 0 if it did not. By halves, as it may begin often. */
static int64_t last_begin(
	const struct service_span *span, const char *zone, int64_t after_usec, int64_t now_usec)
{
	int64_t last_usec = 0, low_usec = after_usec, high_usec = now_usec, begin_usec;

	while (low_usec < high_usec) {
		int64_t middle_usec =
			last_usec ? low_usec + (high_usec - low_usec) / 2 : low_usec;
		bool begins = calendar_next_begin(span->calendar, zone, middle_usec, &begin_usec) > 0 &&
		              begin_usec <= now_usec;
		if (begins)
			last_usec = low_usec = begin_usec;
		else if (last_usec)
			high_usec = middle_usec;
		else
			return 0;
	}
	return last_usec;
}

/* The end of SPAN if it is under way, 0 if it is not. Spans that begin before the one before ended are one. */
static int64_t end_of(const struct service_span *span, const char *zone, int64_t now_usec)
{
	int64_t length_usec = span->for_sec * 1000000;
	int64_t begin_usec = last_begin(span, zone, now_usec - length_usec, now_usec);

	return begin_usec ? begin_usec + length_usec : 0;
}

static bool concerns(const struct service_span *span, const char *repository)
{
	return !span->repositories.count || strings_has(&span->repositories, repository);
}

static int64_t frozen_until(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t until_usec = 0;

	for (size_t i = 0; i < service->freezes.count; i++) {
		const struct service_span *freeze = &service->freezes.items[i];
		int64_t end_usec = concerns(freeze, repository)
		                           ? end_of(freeze, service->timezone, now_usec)
		                           : 0;
		if (end_usec > until_usec)
			until_usec = end_usec;
	}
	return until_usec;
}

static int64_t next_window(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t until_usec = INT64_MAX, begin_usec;
	bool any = false;

	for (size_t i = 0; i < service->windows.count; i++) {
		const struct service_span *window = &service->windows.items[i];
		if (!concerns(window, repository))
			continue;
		any = true;
		if (end_of(window, service->timezone, now_usec))
			return 0;
		if (calendar_next_begin(
			    window->calendar, service->timezone, now_usec, &begin_usec) > 0 &&
			begin_usec < until_usec)
			until_usec = begin_usec;
	}
	return any ? until_usec : 0;
}

int64_t freeze_until(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t freeze_usec = frozen_until(service, repository, now_usec);

	return freeze_usec ? freeze_usec : next_window(service, repository, now_usec);
}
