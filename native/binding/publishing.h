#pragma once

#include <napi.h>

namespace vws {

// The part of the addon's exports that is about messages for many: PublishingAddon in lib/addon/contract.ts.
void export_publishing(Napi::Env env, Napi::Object exports);

}  // namespace vws
