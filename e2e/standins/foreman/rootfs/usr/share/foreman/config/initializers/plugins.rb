# Blocks that need loaded classes.
Rails.application.config.to_prepare do
  Dynflow::ExecutionPlan.observers = Foreman::Plugin.enabled?('foreman-tasks') ? [ForemanTasks::Task.method(:follow)] : []
end
