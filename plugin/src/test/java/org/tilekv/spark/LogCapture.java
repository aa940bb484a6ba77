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

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/** What this process logs while it is open: Spark down to INFO, ours down to DEBUG. */
final class LogCapture extends AbstractAppender implements AutoCloseable {

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final LoggerContext context = (LoggerContext) LogManager.getContext(false);
  private final List<LoggerConfig> loggers;
  private final List<Level> before;

  LogCapture() {
    super("capture", null, null, true, Property.EMPTY_ARRAY);
    start();
    Configuration configuration = context.getConfiguration();
    loggers = List.copyOf(configuration.getLoggers().values());
    before = loggers.stream().map(LoggerConfig::getLevel).toList();
    configuration.getRootLogger().addAppender(this, Level.DEBUG, null);
    configuration
        .getRootLogger()
        .getAppenders()
        .forEach((name, appender) -> limit(configuration, name));
    loggers.forEach(logger -> logger.setLevel(level(logger.getName())));
    context.updateLoggers();
  }

  private static Level level(String logger) {
    return logger.startsWith("org.tilekv") ? Level.DEBUG : Level.INFO;
  }

  /** The console is left out. */
  private void limit(Configuration configuration, String name) {
    if (!name.equals(getName())) {
      var appender = configuration.getRootLogger().getAppenders().get(name);
      configuration.getRootLogger().removeAppender(name);
      configuration.getRootLogger().addAppender(appender, Level.FATAL, null);
    }
  }

  @Override
  public void append(LogEvent event) {
    lines.add(event.getLoggerName() + " " + event.getMessage().getFormattedMessage());
    if (event.getThrown() != null) {
      lines.add(event.getThrown().toString());
    }
  }

  List<String> lines() {
    return lines;
  }

  @Override
  public void close() {
    Configuration configuration = context.getConfiguration();
    configuration.getRootLogger().removeAppender(getName());
    List.copyOf(configuration.getRootLogger().getAppenders().values())
        .forEach(
            appender -> {
              configuration.getRootLogger().removeAppender(appender.getName());
              configuration.getRootLogger().addAppender(appender, null, null);
            });
    for (int i = 0; i < loggers.size(); i++) {
      loggers.get(i).setLevel(before.get(i));
    }
    context.updateLoggers();
    stop();
  }
}
