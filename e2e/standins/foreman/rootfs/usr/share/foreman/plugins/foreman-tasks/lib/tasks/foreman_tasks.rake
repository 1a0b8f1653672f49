namespace :foreman_tasks do
  desc 'Delete tasks that succeeded more than 30 days ago'
  task cleanup: :environment do
    old = ForemanTasks::Task.where(state: 'stopped', result: 'success').where('started_at < ?', 30.days.ago)
    plans = Dynflow::ExecutionPlan.where(id: old.pluck(:external_id))
    puts "Deleted #{old.delete_all} tasks, #{plans.delete_all} plans"
  end
end
