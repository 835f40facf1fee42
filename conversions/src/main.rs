//! Converts the kernels in a folder to SPIR-V, HLSL and MSL, as wgpu does for Vulkan, DX12 and Metal, and has SPIR-V
//! validated where `spirv-val` is installed. Without those devices this is as far as kernels can be followed.
//!
//! `conversions FOLDER`, where the tests of wgrad have written every kernel (`WGRAD_KERNELS=FOLDER cargo test --test kernels`);
//! the exit code is 1 where one cannot be converted.

use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

/// As wgpu asks for kernels that keep inside their bindings by themselves.
const UNCHECKED: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Unchecked,
    buffer: BoundsCheckPolicy::Unchecked,
    image_load: BoundsCheckPolicy::Unchecked,
    binding_array: BoundsCheckPolicy::Unchecked,
};

fn spirv(module: &Module, info: &ModuleInfo, cooperative: bool) -> Result<Vec<u8>, String> {
    let options = spv::Options {
        lang_version: if cooperative { (1, 6) } else { (1, 5) },
        flags: spv::WriterFlags::empty(),
        capabilities: None,
        bounds_check_policies: UNCHECKED,
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        fake_missing_bindings: true,
        ..Default::default()
    };
    let entry = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(module, info, &options, Some(&entry)).map_err(|error| format!("{error:?}"))?;
    Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
}

fn hlsl(module: &Module, info: &ModuleInfo, shader_model: hlsl::ShaderModel) -> Result<(), String> {
    let options = hlsl::Options {
        shader_model,
        fake_missing_bindings: true,
        special_constants_binding: Some(hlsl::BindTarget { space: 7, register: 0, ..Default::default() }),
        zero_initialize_workgroup_memory: false,
        restrict_indexing: false,
        force_loop_bounding: false,
        ..Default::default()
    };
    let entry = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, "main".into())) };
    let mut text = String::new();
    let written = hlsl::Writer::new(&mut text, &options, &entry).write(module, info, None);
    let names = written.map_err(|error| format!("{error:?}"))?.entry_point_names;
    names.into_iter().try_for_each(|name| name.map(|_| ()).map_err(|error| format!("{error:?}")))
}

fn metal(module: &Module, info: &ModuleInfo, lang_version: (u8, u8)) -> Result<(), String> {
    let options = msl::Options {
        lang_version,
        fake_missing_bindings: true,
        bounds_check_policies: UNCHECKED,
        zero_initialize_workgroup_memory: false,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..Default::default()
    };
    let entry = msl::PipelineOptions { entry_point: Some((ShaderStage::Compute, "main".into())), ..Default::default() };
    msl::write_string(module, info, &options, &entry).map(|_| ()).map_err(|error| format!("{error:?}"))
}

fn validated(bytes: &[u8]) -> Result<(), String> {
    let mut child = Command::new("spirv-val")
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(bytes).map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// What of a kernel's text cannot be converted.
fn faults(wgsl: &str, validator: bool) -> Vec<String> {
    let module = match naga::front::wgsl::parse_str(wgsl) {
        Ok(module) => module,
        Err(error) => return vec![error.emit_to_string(wgsl)],
    };
    let mut all = Validator::new(ValidationFlags::all(), Capabilities::all());
    all.subgroup_stages(ShaderStages::all()).subgroup_operations(SubgroupOperationSet::all());
    let info = match all.validate(&module) {
        Ok(info) => info,
        Err(error) => return vec![format!("{error:?}")],
    };
    let plain = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).is_ok();
    let cooperative = wgsl.contains("coop_mat");
    let bytes = spirv(&module, &info, cooperative);
    let mut results = vec![("MSL", metal(&module, &info, if cooperative { (2, 3) } else { (2, 0) }))];
    if !cooperative {
        // Without dxcompiler.dll, DX12 has shader model 5.1, and neither subgroups nor words of 64 bits.
        let model = if plain { hlsl::ShaderModel::V5_1 } else { hlsl::ShaderModel::V6_0 };
        results.push(("HLSL", hlsl(&module, &info, model)));
        // Cooperative matrices are younger than most installed validators.
        if let Ok(bytes) = bytes.as_ref().map(Vec::as_slice)
            && validator
        {
            results.push(("spirv-val", validated(bytes)));
        }
    }
    results.push(("SPIR-V", bytes.map(|_| ())));
    results.into_iter().filter_map(|(what, done)| Some(format!("{what}: {}", done.err()?))).collect()
}

fn run() -> Result<usize, String> {
    let folder = std::env::args().nth(1).ok_or("give the folder of the kernels")?;
    let files = std::fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut paths: Vec<_> = files.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    if paths.len() < 100 {
        return Err(format!("{folder} has {} kernels, which are too few", paths.len()));
    }
    let validator = Command::new("spirv-val").arg("--version").output().is_ok();
    let mut wrong = 0;
    for path in &paths {
        let wgsl = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let faults = faults(&wgsl, validator);
        faults.iter().for_each(|fault| println!("{}: {fault}", path.display()));
        wrong += usize::from(!faults.is_empty());
    }
    if !validator {
        println!("NOT CHECKED: SPIR-V of the kernels, for there is no spirv-val");
    }
    println!("{} kernels converted, {wrong} of them wrongly", paths.len());
    Ok(wrong)
}

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
