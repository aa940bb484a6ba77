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
package org.tilekv.bench.eviction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * Traces of rows that fill in templates: a template's tokens, of which it shares the first quarter
 * with the others of its family, then tokens of the row's own and an answer. With templates of
 * 4,096 tokens, a row has 64 to 320 tokens of its own and 32 to 160 of its answer.
 */
final class Traces {

  private static final int FAMILIES = 8;
  private static final int LONGEST_LIFE = 7;

  private final Random random;
  private final int[][] templates;
  private final int rowsPerTemplate;
  private final int templateTokens;

  Traces(long seed, int templateCount, int rowsPerTemplate, int templateTokens) {
    random = new Random(seed);
    this.rowsPerTemplate = rowsPerTemplate;
    this.templateTokens = templateTokens;
    int familyTokens = templateTokens / 4;
    int[][] families = new int[FAMILIES][];
    Arrays.setAll(families, family -> tokens(familyTokens));
    templates = new int[templateCount][];
    Arrays.setAll(
        templates, i -> join(families[i % FAMILIES], tokens(templateTokens - familyTokens)));
  }

  /** One job whose rows come in random order. */
  RowTrace randomOrder() {
    return new RowTrace("random order", 1, job(0, shuffled(0, templates.length)));
  }

  /** One job whose rows are sorted by template. */
  RowTrace sorted() {
    List<Integer> order = shuffled(0, templates.length);
    order.sort(Comparator.naturalOrder());
    return new RowTrace("sorted", 1, job(0, order));
  }

  /**
   * Two jobs in random order that share a quarter of the templates; a row is of the first with
   * probability 2/3 as long as both have rows.
   */
  RowTrace twoJobs() {
    int eighths = templates.length / 8;
    List<TraceRow> first = job(0, shuffled(0, 5 * eighths));
    List<TraceRow> second = job(1, shuffled(3 * eighths, templates.length));
    List<TraceRow> rows = new ArrayList<>();
    int a = 0;
    int b = 0;
    while (a < first.size() || b < second.size()) {
      boolean ofFirst = b == second.size() || a < first.size() && random.nextInt(3) < 2;
      rows.add(ofFirst ? first.get(a++) : second.get(b++));
    }
    return new RowTrace("two jobs", 2, rows);
  }

  private List<Integer> shuffled(int fromTemplate, int toTemplate) {
    List<Integer> order = new ArrayList<>();
    for (int template = fromTemplate; template < toTemplate; template++) {
      order.addAll(Collections.nCopies(rowsPerTemplate, template));
    }
    Collections.shuffle(order, random);
    return order;
  }

  private List<TraceRow> job(int job, List<Integer> templateByRow) {
    List<TraceRow> rows = new ArrayList<>();
    for (int template : templateByRow) {
      int[] prompt =
          join(templates[template], tokens(between(templateTokens / 64, 5 * templateTokens / 64)));
      int[] answer = tokens(between(templateTokens / 128, 5 * templateTokens / 128));
      rows.add(new TraceRow(job, rows.size(), prompt, answer, between(1, LONGEST_LIFE)));
    }
    return rows;
  }

  private int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }

  /** From so large a vocabulary that no two texts begin alike by chance. */
  private int[] tokens(int count) {
    return random.ints(count, 0, Integer.MAX_VALUE).toArray();
  }

  private static int[] join(int[] head, int[] tail) {
    int[] both = Arrays.copyOf(head, head.length + tail.length);
    System.arraycopy(tail, 0, both, head.length, tail.length);
    return both;
  }
}
