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

import com.esotericsoftware.kryo.Kryo;
import java.util.ArrayList;
import org.apache.spark.serializer.KryoRegistrator;

/**
 * For {@code spark.kryo.registrator}, also with {@code spark.kryo.registrationRequired=true}.
 * Nothing of this plugin travels through Kryo: closures go by Java serialisation, plugin messages
 * as bytes. What it registers is what Spark's Java API puts around rows. Stateless.
 */
public final class TileKvKryoRegistrator implements KryoRegistrator {

  @Override
  public void registerClasses(Kryo kryo) {
    kryo.register(ArrayList.class);
  }
}
