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
package org.tilekv;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;

/** Dependencies between packages point down only. */
@AnalyzeClasses(packages = "org.tilekv", importOptions = DoNotIncludeTests.class)
class PackageRulesTest {
  private static final String[] NATIVE_BINDINGS = {"jcuda..", "com.sun.jna.."};

  @ArchTest
  static final ArchRule LAYERS =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("org.tilekv..")
          .withOptionalLayers(true)
          .layer("root")
          .definedBy("org.tilekv")
          .layer("config")
          .definedBy("org.tilekv.config")
          .layer("page")
          .definedBy("org.tilekv.page")
          .layer("prefix")
          .definedBy("org.tilekv.prefix")
          .layer("tier")
          .definedBy("org.tilekv.tier")
          .layer("cuda")
          .definedBy("org.tilekv.cuda")
          .layer("attention")
          .definedBy("org.tilekv.attention")
          .layer("cache")
          .definedBy("org.tilekv.cache")
          .layer("llm")
          .definedBy("org.tilekv.llm")
          .layer("engine")
          .definedBy("org.tilekv.engine")
          .layer("coordinator")
          .definedBy("org.tilekv.coordinator..")
          .layer("rapids")
          .definedBy("org.tilekv.rapids")
          .layer("spark")
          .definedBy("org.tilekv.spark")
          .whereLayer("root")
          .mayNotAccessAnyLayer()
          .whereLayer("config")
          .mayOnlyAccessLayers("root")
          .whereLayer("page")
          .mayOnlyAccessLayers("root")
          .whereLayer("prefix")
          .mayOnlyAccessLayers("root", "page")
          .whereLayer("tier")
          .mayOnlyAccessLayers("root", "config", "page")
          .whereLayer("cuda")
          .mayOnlyAccessLayers("root")
          .whereLayer("attention")
          .mayOnlyAccessLayers("root", "page", "cuda")
          .whereLayer("cache")
          .mayOnlyAccessLayers("root", "config", "page", "prefix", "tier", "cuda", "attention")
          .whereLayer("llm")
          .mayOnlyAccessLayers("root", "page", "cache", "attention", "cuda")
          .whereLayer("engine")
          .mayOnlyAccessLayers("root", "prefix", "cache", "llm")
          .whereLayer("coordinator")
          .mayOnlyAccessLayers("root", "config", "prefix")
          .whereLayer("rapids")
          .mayOnlyAccessLayers("root", "cuda", "cache");

  @ArchTest
  static final ArchRule SPARK_STAYS_IN_SPARK =
      ArchRuleDefinition.noClasses()
          .that()
          .resideOutsideOfPackage("org.tilekv.spark..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "scala..");

  @ArchTest
  static final ArchRule NATIVE_BINDINGS_STAY_IN_CUDA =
      ArchRuleDefinition.noClasses()
          .that()
          .resideOutsideOfPackage("org.tilekv.cuda..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(NATIVE_BINDINGS);

  @ArchTest
  static final ArchRule NO_BINDING_TYPE_LEAVES_CUDA =
      ArchRuleDefinition.noMethods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .resideInAPackage("org.tilekv.cuda..")
          .should()
          .haveRawReturnType(resideInAnyPackage(NATIVE_BINDINGS))
          .orShould()
          .haveRawParameterTypes(anyElementThat(resideInAnyPackage(NATIVE_BINDINGS)));
}
