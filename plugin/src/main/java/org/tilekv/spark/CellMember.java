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

/**
 * What a task of a cell says of itself to the others.
 *
 * @param executorId its executor
 * @param host where the executor's transport listens
 * @param port likewise
 * @param endpoint number of the member in its process
 * @param poolBytes bytes that its executor has for page pools
 */
record CellMember(String executorId, String host, int port, long endpoint, long poolBytes) {

  private static final String SEPARATOR = " ";
  private static final int FIELDS = 5;

  String toText() {
    return String.join(
        SEPARATOR,
        executorId,
        host,
        Integer.toString(port),
        Long.toString(endpoint),
        Long.toString(poolBytes));
  }

  static CellMember parse(String text) {
    String[] parts = text.split(SEPARATOR, -1);
    if (parts.length != FIELDS) {
      throw new IllegalArgumentException("'" + text + "' has " + parts.length + " fields, not 5");
    }
    return new CellMember(
        parts[0],
        parts[1],
        Integer.parseInt(parts[2]),
        Long.parseLong(parts[3]),
        Long.parseLong(parts[4]));
  }

  @Override
  public String toString() {
    return "executor " + executorId + " at " + host + ":" + port;
  }
}
