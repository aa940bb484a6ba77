/*
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package org.tilekv.spark;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * Seals tenant salts: what leaves the driver is a digest that keeps tenants apart as well. A sealed
 * salt is as secret as the salt, but does not tell it.
 */
final class TenantSalts {

  private static final String SEALED = "sealed:";
  private static final Pattern SEALED_FORM = Pattern.compile(SEALED + "[0-9a-f]{64}");
  private static final String PURPOSE = "tilekv tenant salt\n";

  private TenantSalts() {}

  /** The sealed form of a salt; one that is sealed stays as it is. */
  static String seal(String salt) {
    if (isSealed(salt)) {
      return salt;
    }
    byte[] digest = Sha256.open().digest((PURPOSE + salt).getBytes(StandardCharsets.UTF_16BE));
    return SEALED + HexFormat.of().formatHex(digest);
  }

  static boolean isSealed(String salt) {
    return SEALED_FORM.matcher(salt).matches();
  }
}
